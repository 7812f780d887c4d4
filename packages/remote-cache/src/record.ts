import type { KeyObject } from 'node:crypto';
import { canonicalJson, isSha256Digest, type CacheKey } from '@ict/integrity';
import type { BlobRef, Json } from '@ict/plugin-api';
import { openEnvelope, parseJson, sealEnvelope } from './envelope.js';

/** What a record says of a result. */
export interface RemoteResult {
  readonly output: Json;
  /** Archives of the layers that the output names, by the digest of the layer. */
  readonly archives: Readonly<Record<string, BlobRef>>;
  /** What made it, for people: `ict 0.1.0`. */
  readonly tool: string;
  /** How long it took. */
  readonly durationMs?: number;
}

/** Of which result a record is. */
export interface RecordName {
  /** Type of a step, as `ict.base`. */
  readonly type: string;
  readonly key: CacheKey;
}

/** A result, or why a record says nothing of it. */
export type ReadRecord =
  | { readonly kind: 'believed'; readonly result: RemoteResult }
  | { readonly kind: 'refused'; readonly reason: string };

const SCHEMA_VERSION = 1;

/** A record is not read beyond this, nor written. */
export const MAX_RECORD_BYTES = 32 * 1024 * 1024;

/** @param storedAt seconds since 1970. */
export function writeRecord({ type, key }: RecordName, result: RemoteResult, storedAt: number, signingKey: KeyObject): string {
  const { output, archives, tool, durationMs } = result;
  const named = Object.entries(archives).map(([layer, { digest, sizeBytes }]) => [layer, { kind: 'blob', digest, sizeBytes }]);
  const payload = {
    schemaVersion: SCHEMA_VERSION,
    type,
    key,
    output,
    archives: Object.fromEntries(named) as Json,
    tool,
    storedAt,
    ...(durationMs === undefined ? {} : { durationMs }),
  };
  return sealEnvelope(Buffer.from(canonicalJson(payload)), signingKey);
}

/** What a record says, if it is signed by a trusted key and of the result that is asked for. Nothing of it is looked at before. */
export function readRecord(bytes: Uint8Array, asked: RecordName, trusted: readonly KeyObject[]): ReadRecord {
  const opened = openEnvelope(bytes, trusted);
  if (opened.kind === 'refused') return opened;
  const record = parseJson(opened.payload);
  if (typeof record !== 'object' || record === null) return refused('what is signed is no record');
  const { schemaVersion, type, key, output, archives, tool, durationMs } = record as Record<string, unknown>;
  if (schemaVersion !== SCHEMA_VERSION) return refused('it is of a form that this version does not know');
  if (type !== asked.type || key !== asked.key) return refused('it is the record of another result');
  const blobs = readArchives(archives);
  const measured = durationMs === undefined || (typeof durationMs === 'number' && durationMs >= 0);
  if (output === undefined || blobs === undefined || typeof tool !== 'string' || !measured) return refused('what is signed is no record');
  return {
    kind: 'believed',
    result: { output: output as Json, archives: blobs, tool, ...(durationMs === undefined ? {} : { durationMs }) },
  };
}

function refused(reason: string): ReadRecord {
  return { kind: 'refused', reason };
}

function readArchives(value: unknown): Readonly<Record<string, BlobRef>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const archives: [string, BlobRef][] = [];
  for (const [layer, entry] of Object.entries(value)) {
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { digest, sizeBytes } = entry as Record<string, unknown>;
    if (!isSha256Digest(layer) || typeof digest !== 'string' || !isSha256Digest(digest)) return undefined;
    if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
    archives.push([layer, { kind: 'blob', digest, sizeBytes }]);
  }
  return Object.fromEntries(archives);
}
