import { bareAddress } from '@ict/plugin-api';

/** Address of a place below that of a store, whose path, user, password and query stay. */
export function addressOf(base: URL, place: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${place}`;
  url.hash = '';
  return url.href;
}

/** The address of a store as it may be printed: without user, password and query. */
export function printedAddress(address: string): string {
  const bare = bareAddress(address);
  if (!URL.canParse(bare) || !bare.includes('://')) return '(unreadable address)';
  const url = new URL(bare);
  url.search = '';
  url.hash = '';
  return url.href;
}

/** What a part of an address means. @returns undefined where a "%" escapes nothing. */
export function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
