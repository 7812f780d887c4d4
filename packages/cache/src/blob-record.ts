import { ignoreSystemError, readRegularFileSync } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { Layout } from './layout.js';
import { isStatSignature, type StatSignature } from './stat-signature.js';

/** What is known of a blob, in `.ict/index/blobs/ab/{hex}.json`. */
export interface BlobRecord {
  readonly digest: Digest;
  /** What the file system said of its file when that was last hashed. */
  readonly signature: StatSignature;
  readonly verifiedAt: number;
  /**
   * Whether a result or an image ever named it: a file system or a disk, of no use once no result does any more. Other blobs, such as signed indexes and keyrings, are
   * found again by whoever knows their digest, and live by their own last use.
   */
  readonly isResult?: true;
}

export function isBlobRecord(value: unknown): value is BlobRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, signature, verifiedAt } = value as Record<string, unknown>;
  return typeof digest === 'string' && isStatSignature(signature) && typeof verifiedAt === 'number';
}

/** Whether its record says that a result named a blob; false where none can be read: then the blob stays longer. */
export function wasResult(layout: Pick<Layout, 'record'>, id: string): boolean {
  try {
    const record: unknown = JSON.parse(readRegularFileSync(layout.record('blobs', id)).toString());
    return isBlobRecord(record) && record.isResult === true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) ignoreSystemError(error);
    return false;
  }
}
