import type { ContentIdentity } from '@ict/integrity';
import type { ContentAlgorithm, Digest, Json, Memo } from '@ict/plugin-api';

/** Digest (SHA-256 unless another is asked for) and size of a file. */
export type FileDigester = (file: string, algorithm?: ContentAlgorithm) => Promise<ContentIdentity>;

/** Digests large files by pieces as well, so that they can be compared again quickly; what a record of pieces holds is its own affair. */
export interface PieceHasher {
  /** SHA-256 and size of a file, and a record of its pieces, from one read. */
  digestPiecewise(file: string): Promise<ContentIdentity & { readonly pieces: Json }>;
  /** Whether every byte of a file is what it was when `pieces` was made; false when `pieces` cannot be used. */
  samePieces(file: string, pieces: Json): Promise<boolean>;
}

/**
 * Reads all of a file that should have a digest.
 *
 * @returns what it is: `expected` exactly when every byte is right.
 */
export type ContentCheck = (file: string, sizeBytes: number, expected: Digest) => Promise<ContentIdentity>;

const MEMO = 'pieces';

/** Below this a file is hashed whole: a record would not save anything. */
const LARGE_BYTES = 16 * 1024 * 1024;

/**
 * Compares files with digests. The first time it hashes a large one whole and remembers, for content of that digest, a record of its
 * pieces; from then on the pieces are compared, which several threads can do, and which need not hash the empty parts of a disk.
 *
 * @param pieces absent: every file is hashed whole each time.
 */
export function createPiecewiseCheck(memo: Memo, digestFile: FileDigester, pieces: PieceHasher | undefined): ContentCheck {
  return async (file, sizeBytes, expected) => {
    if (pieces === undefined || sizeBytes < LARGE_BYTES) return digestFile(file);
    const known = await memo.get(MEMO, expected);
    if (known !== undefined && (await pieces.samePieces(file, known))) return { digest: expected, sizeBytes };
    const { pieces: record, ...actual } = await pieces.digestPiecewise(file);
    await memo.set(MEMO, actual.digest, record);
    return actual;
  };
}
