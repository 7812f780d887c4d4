import { fetchError } from './errors.js';
import { redactUrl } from './redact-url.js';

/** What an address may be of. */
const PROTOCOLS = { 'http or https': ['http:', 'https:'], 'http, https or file': ['http:', 'https:', 'file:'] } as const;

/** @throws `ICT_FETCH_ADDRESS` for text that is no address of these protocols. */
export function readAddress(text: string, protocols: keyof typeof PROTOCOLS): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && PROTOCOLS[protocols].some((protocol) => protocol === url.protocol)) return url;
  throw fetchError('ICT_FETCH_ADDRESS', {
    message: `${redactUrl(text)} is not an ${protocols} address`,
    hint: 'Check the address of the repository.',
    facts: { url: redactUrl(text) },
  });
}
