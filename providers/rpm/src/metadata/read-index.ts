import { createReadStream } from 'node:fs';
import { decompress, detectCompression } from '@ict/archive';
import { ContentHasher, digestAlgorithm, hashing, isSha256Digest } from '@ict/integrity';
import { fetchedFrom, nameAbsent } from '@ict/package-index';
import { fileAddress, hasCode, isIctError } from '@ict/plugin-api';
import type { Context, IndexRef, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { MAX_INDEX_BYTES } from './repomd.js';

/**
 * Reads a metadata file of a repository, piece by piece, in constant memory. Downloads it when the cache does not have it; size and
 * checksum are checked before and after decompression.
 *
 * What `write` made of the text may be used only when this has returned: then the whole text is what the root says.
 *
 * @throws `ICT_RPM_INDEX_MISSING`, `ICT_RPM_INDEX_MISMATCH`; what `write` and the fetcher throw.
 */
export async function readIndex(repository: RepositorySpec, index: IndexRef, ctx: Context, write: (chunk: Buffer) => void): Promise<void> {
  const file = (await storedIndex(index, ctx)) ?? (await fetchIndex(repository, index, ctx));
  const hasher = new ContentHasher(index.plain && digestAlgorithm(index.plain.digest));
  const plain = decompress(createReadStream(file, { highWaterMark: 256 * 1024 }), detectCompression(index.path), {
    maxBytes: index.plain?.sizeBytes ?? MAX_INDEX_BYTES,
    signal: ctx.signal,
  });
  try {
    for await (const chunk of hashing(plain, hasher)) write(chunk as Buffer);
  } catch (cause) {
    // Text that differs from what was signed may look like anything: say first that it differs.
    if (!isIctError(cause) || !/^ICT_ARCHIVE_(CORRUPT|TOO_LARGE|TRUNCATED)$/.test(cause.code)) throw cause;
    throw mismatch(repository, index, 'does not decompress to what repomd.xml says', cause);
  }
  const { digest, sizeBytes } = hasher.finish();
  const expected = index.plain ?? { digest, sizeBytes };
  if (digest !== expected.digest || sizeBytes !== expected.sizeBytes) {
    throw mismatch(repository, index, 'is, decompressed, not what repomd.xml says', { expected, actual: { digest, sizeBytes } });
  }
}

/** Blobs go by SHA-256: of a file that the root lists by another checksum is remembered which that is. */
const NAMES = 'rpm.index';

async function storedIndex({ digest }: IndexRef, ctx: Context): Promise<string | undefined> {
  if (isSha256Digest(digest)) return ctx.blobs.path(digest);
  const known = await ctx.memo.get(NAMES, digest);
  return typeof known === 'string' && isSha256Digest(known) ? ctx.blobs.path(known) : undefined;
}

async function storeIndex(file: string, { digest, sizeBytes }: IndexRef, ctx: Context): Promise<void> {
  if (isSha256Digest(digest)) await ctx.blobs.putFile(file, { digest, sizeBytes });
  else await ctx.memo.set(NAMES, digest, (await ctx.blobs.putFile(file)).digest);
}

/** @returns the path of the verified file in the cache. */
async function fetchIndex(repository: RepositorySpec, index: IndexRef, ctx: Context): Promise<string> {
  const { path, digest, sizeBytes } = index;
  const url = fileAddress(repository, index);
  try {
    const fetched = await ctx.fetch.fetch({ url, maxBytes: sizeBytes, expect: { digest, sizeBytes }, progress: true });
    if (fetched.digest !== digest || fetched.sizeBytes !== sizeBytes) throw wronglyFetched(repository, index, fetched);
    await storeIndex(fetched.file, index, ctx);
  } catch (cause) {
    if (hasCode(cause, 'ICT_FETCH_MISMATCH')) throw wronglyFetched(repository, index, cause);
    if (!hasCode(cause, 'ICT_FETCH_NOT_FOUND')) throw nameAbsent(cause, `${path} of repository "${repository.id}"`);
    throw rpmError('ICT_RPM_INDEX_MISSING', {
      message: `${path} of repository "${repository.id}" is listed in its repomd.xml, but is not there`,
      hint: 'The mirror may be in the middle of an update: try again, or use another mirror.',
      facts: { repository: repository.id, path },
      cause,
    });
  }
  const stored = await storedIndex(index, ctx);
  if (stored === undefined) throw mismatch(repository, index, 'is, as stored, not what repomd.xml says');
  return stored;
}

/** @param found what came, or the failure of the fetcher that tells it. */
function wronglyFetched(repository: RepositorySpec, index: IndexRef, found: unknown): Error {
  return mismatch(repository, index, `is, as ${fetchedFrom(found)}, not what repomd.xml says`, isIctError(found) ? found : undefined);
}

function mismatch(repository: RepositorySpec, index: IndexRef, what: string, detail?: unknown): Error {
  return rpmError('ICT_RPM_INDEX_MISMATCH', {
    message: `${index.path} of repository "${repository.id}" ${what}`,
    hint: 'The mirror may be in the middle of an update: try again, or use another mirror.',
    facts: {
      ...(isIctError(detail) && detail.code === 'ICT_FETCH_MISMATCH' ? detail.facts : {}),
      repository: repository.id,
      path: index.path,
      ...(isIctError(detail) || detail === undefined ? {} : { difference: detail }),
    },
    ...(isIctError(detail) ? { cause: detail } : {}),
  });
}

/** A metadata file of a snapshot, by its type. */
export function indexOf(pinned: Snapshot, type: string): IndexRef | undefined {
  return pinned.indexes.find(({ component }) => component === type);
}
