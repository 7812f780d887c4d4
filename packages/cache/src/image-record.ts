import { canonicalJson, integrityOf, isSha256Digest, type CacheKey } from '@ict/integrity';
import type { Digest, Json } from '@ict/plugin-api';
import { isStatSignature, type StatSignature } from './stat-signature.js';

/** One file of a finished image: an artifact with its type, or a document without. */
export interface ImageFile {
  readonly name: string;
  readonly type?: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** What `imageCache/{key}/meta.json` says. */
export interface ImageRecord {
  readonly key: CacheKey;
  /** Everything that shaped the image; null for one that was imported without a record. */
  readonly inputs: Json;
  readonly files: readonly ImageFile[];
  readonly origin: 'built' | 'imported';
  /** Seconds since 1970. */
  readonly storedAt: number;
  /** What made it, for people: `ict 0.1.0`. */
  readonly tool: string;
}

/** `signatures` are what the file system said of the files when they were last hashed; all else is covered by `integrity`. */
export interface StoredRecord extends ImageRecord {
  readonly integrity: string;
  readonly signatures: Readonly<Record<string, StatSignature>>;
  readonly verifiedAt: number;
}

/** The integrity of a record. */
export function seal({ key, inputs, files, origin, storedAt, tool }: ImageRecord): string {
  return integrityOf(canonicalJson({ key, inputs, files: files as unknown as Json, origin, storedAt, tool }));
}

function isImageFile(value: unknown): value is ImageFile {
  if (typeof value !== 'object' || value === null) return false;
  const { name, type, digest, sizeBytes } = value as Record<string, unknown>;
  const typed = type === undefined || typeof type === 'string';
  return typed && typeof name === 'string' && typeof digest === 'string' && isSha256Digest(digest) && typeof sizeBytes === 'number';
}

export function isStoredRecord(value: unknown): value is StoredRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as StoredRecord;
  const { files, signatures, verifiedAt, integrity, inputs, storedAt, tool, origin, key } = record;
  const shaped =
    Array.isArray(files) && files.every(isImageFile) && inputs !== undefined && typeof key === 'string' && typeof verifiedAt === 'number';
  if (!shaped || typeof storedAt !== 'number' || typeof tool !== 'string' || (origin !== 'built' && origin !== 'imported')) return false;
  if (typeof signatures !== 'object' || !Object.values(signatures).every(isStatSignature)) return false;
  return seal(record) === integrity;
}
