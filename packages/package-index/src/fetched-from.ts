import { isIctError, type FetchedFile } from '@ict/plugin-api';

/**
 * Who sent content that is not what was expected, in words that follow "as": the address that answered, or of a failure that tells of several mirrors
 * (`facts.mirrors`) those that sent something else.
 *
 * @param found a file, or a failure of the fetcher. When it does not say who it was, neither does the text.
 */
export function fetchedFrom(found: unknown): string {
  const from = isIctError(found) ? sendersOf(found.facts) : isFetched(found) ? [found.url] : [];
  return from.length === 0 ? 'fetched' : `fetched from ${from.join(' and ')}`;
}

function sendersOf({ answeredBy, mirrors }: Readonly<Record<string, unknown>>): readonly string[] {
  const others = (Array.isArray(mirrors) ? mirrors : []) as readonly { readonly url: string; readonly code: string }[];
  const wrong = others.filter(({ code }) => code === 'ICT_FETCH_MISMATCH').map(({ url }) => url);
  return wrong.length > 0 ? wrong : typeof answeredBy === 'string' ? [answeredBy] : [];
}

function isFetched(found: unknown): found is Pick<FetchedFile, 'url'> {
  return typeof found === 'object' && found !== null && 'url' in found && typeof found.url === 'string';
}
