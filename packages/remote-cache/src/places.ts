import type { KeyObject } from 'node:crypto';
import { digestHex } from '@ict/integrity';
import { bareAddress, type Digest } from '@ict/plugin-api';
import { keyId } from './keys.js';
import type { RecordName } from './record.js';

/** Where a record lies below the address of a cache. Each signer has records of its own: a stranger's hides nobody's. */
export function recordPlace({ type, key }: RecordName, signer: KeyObject): string {
  return `v1/records/${keyId(signer)}/${encodeURIComponent(type)}/${key}.json`;
}

/**
 * Where a blob lies below the address of a cache, by what it holds before it is compressed.
 *
 * @throws `ICT_INTEGRITY_DIGEST` when it goes by another digest than SHA-256.
 */
export function blobPlace(digest: Digest): string {
  const hex = digestHex(digest);
  return `v1/blobs/sha256/${hex.slice(0, 2)}/${hex}.zst`;
}

/** @returns undefined for text that is no address of HTTP(S), or of files. */
function parseAddress(address: string): URL | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url !== undefined && ['http:', 'https:', 'file:'].includes(url.protocol) ? url : undefined;
}

/** Address of a place below that of a cache, whose path, user, password and query stay. */
export function addressOf(base: string, place: string): string {
  const url = parseAddress(base);
  if (url === undefined) return base; // who fetches it says what is wrong with it
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${place}`;
  url.hash = '';
  return url.href;
}

/** The address of a cache as it may be printed: without user, password and query. */
export function printedAddress(base: string): string {
  const url = parseAddress(bareAddress(base));
  if (url === undefined) return '(unreadable address)';
  url.search = '';
  url.hash = '';
  return url.href;
}
