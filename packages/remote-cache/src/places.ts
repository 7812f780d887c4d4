import type { KeyObject } from 'node:crypto';
import { digestHex } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { keyId } from './keys.js';
import type { RecordName } from './record.js';

/** Where a record lies in a store. Each signer has records of its own: a stranger's hides nobody's. */
export function recordPlace({ type, key }: RecordName, signer: KeyObject): string {
  return `v1/records/${keyId(signer)}/${encodeURIComponent(type)}/${key}.json`;
}

/**
 * Where a blob lies in a store, by what it holds before it is compressed.
 *
 * @throws `ICT_INTEGRITY_DIGEST` when it goes by another digest than SHA-256.
 */
export function blobPlace(digest: Digest): string {
  const hex = digestHex(digest);
  return `v1/blobs/sha256/${hex.slice(0, 2)}/${hex}.zst`;
}
