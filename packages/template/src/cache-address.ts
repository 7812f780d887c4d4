import { fileURLToPath } from 'node:url';

/** What places of a remote cache are put behind: an address without the query or fragment that would come between. */
export const CACHE_ADDRESS = '^(?:(?:https?|oci(?:\\+http)?|s3)://[^\\s/?#]+(?:/[^\\s?#]*)?|file:///[^\\s?#]*)$';

/** Of the OCI distribution specification 1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** Of the user guide of Amazon S3, "General purpose bucket naming rules". */
const BUCKET = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** What more there is to an address of each kind: what `openStore` of `@ict/remote-cache` refuses is told before a build, and where it stands. */
const KINDS: Readonly<Record<string, (url: URL) => boolean>> = {
  'oci:': namesRepository,
  'oci+http:': namesRepository,
  's3:': namesBucket,
  'file:': namesDirectory,
};

/** Whether a remote cache may have this address. */
export function isCacheAddress(text: string): boolean {
  if (!new RegExp(CACHE_ADDRESS).test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return KINDS[url.protocol]?.(url) ?? true;
}

function namesRepository({ protocol, host, pathname, username, password }: URL): boolean {
  const server = `${protocol === 'oci:' ? 'https' : 'http'}://${host}`;
  return host !== '' && URL.canParse(server) && REPOSITORY.test(withoutSlashes(pathname)) && isEscaped(username) && isEscaped(password);
}

function namesBucket({ hostname, port, pathname, username, password }: URL): boolean {
  if (!BUCKET.test(hostname) || port !== '' || (username === '') !== (password === '')) return false;
  if (![username, password, pathname].every(isEscaped)) return false;
  return !/(?:^|\/)\.{1,2}(?:\/|$)/.test(withoutSlashes(decodeURIComponent(pathname)));
}

function namesDirectory(url: URL): boolean {
  try {
    const path = fileURLToPath(url);
    return path !== '/' && !path.includes('\0');
  } catch {
    return false;
  }
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** Whether each "%" escapes something. */
function isEscaped(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}
