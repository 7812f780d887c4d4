import { bareAddress } from '@ict/plugin-api';

const secretName = /token|sig|secret|pass|pwd|key|auth|cred/i;

/**
 * An address that may be printed: without user name and password, without fragment, and with the values of query parameters
 * that look like secrets (`token`, `X-Amz-Signature`, ...) replaced by `REDACTED`.
 *
 * @returns `(unreadable address)` for text that is no URL, because it may hold anything.
 */
export function redactUrl(url: string | URL): string {
  const text = bareAddress(typeof url === 'string' ? url : url.href);
  if (!URL.canParse(text)) return '(unreadable address)';
  const clean = new URL(text);
  clean.hash = '';
  for (const name of new Set(clean.searchParams.keys())) {
    if (secretName.test(name)) clean.searchParams.set(name, 'REDACTED');
  }
  return clean.href;
}
