import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSha256Digest } from '@ict/integrity';
import { AbsentFiles, fetchedFrom, nameAbsent } from '@ict/package-index';
import { formatCount, hasCode, isIctError } from '@ict/plugin-api';
import type {
  Architecture,
  Context,
  FetchedFile,
  IctError,
  IndexRef,
  MetadataSource,
  PackageRecord,
  RepositorySpec,
  Snapshot,
} from '@ict/plugin-api';
import { debArchitecture } from '../architecture.js';
import { debError } from '../errors.js';
import { readDirectory } from './index-directory.js';
import type { IndexSegment } from './index-directory.js';
import { TextInFiles } from './index-text.js';
import type { TextFile } from './index-text.js';
import { keepDirectory, recallDirectory } from './index-memory.js';
import type { IndexStore } from './index-store.js';
import { PackagesIndex } from './packages-index.js';
import { checkRelease, chooseIndexes, isFlat, MAX_INDEX_BYTES, parseRelease } from './release.js';
import type { Release } from './release.js';
import { fetchRoot } from './signed-root.js';

/** Between checks of the signal while records are streamed. */
const RECORDS_PER_CHECK = 1024;

/** Stanzas that cannot be used and are named in a warning. */
const MAX_TOLD = 5;

/** The kind of memo that {@link recallPlain} reads. */
const PLAIN = 'deb.plain';

/** Reads deb repositories: a signed root, the indexes that it lists, and the packages that those describe. */
export function createMetadataSource(): MetadataSource {
  return { snapshot, packages };
}

/**
 * Pins a repository as it is now. Nothing is read but what a key of the repository's own keyrings has signed.
 *
 * @throws `ICT_DEB_RELEASE_*`, `ICT_DEB_KEYRING_UNREADABLE`, `ICT_DEB_COMPONENT_MISSING`, `ICT_DEB_ARCHITECTURE_MISSING`, and what the
 * fetcher throws.
 */
async function snapshot(repository: RepositorySpec, arch: Architecture, ctx: Context): Promise<Snapshot> {
  const root = await fetchRoot(repository, ctx);
  const release = parseRelease(root.text, repository.id);
  checkRelease(release, repository, ctx.clock());
  warnOfOtherSuite(release, repository, ctx);
  const indexes = chooseIndexes(release, repository, debArchitecture(arch));
  // The root stays in the cache, so that the chain from key to package can be followed again later.
  const { digest, sizeBytes } = await ctx.blobs.putBytes(root.bytes);
  const { validUntilSeconds, origin, label, suite, codename, version, priority } = release;
  const optional = Object.entries({ validUntilSeconds, origin, label, suite, codename, version, priority }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    repository,
    root: { path: root.path, digest, sizeBytes, dateSeconds: release.dateSeconds, ...Object.fromEntries(optional) },
    signers: root.signers,
    indexes,
  };
}

function warnOfOtherSuite(release: Release, repository: RepositorySpec, ctx: Context): void {
  const names = [release.suite, release.codename].filter((name) => name !== undefined);
  if (isFlat(repository) || names.length === 0 || names.includes(repository.suite)) return;
  ctx.emit({
    type: 'warning',
    code: 'ICT_DEB_RELEASE_MISMATCH',
    message: `repository "${repository.id}" was asked for suite "${repository.suite}" and calls itself "${names.join('", "')}"`,
    hint: 'Name the suite as the repository does, or set "expect" in the definition to be sure of it.',
  });
}

async function* packages(pinned: Snapshot, ctx: Context): AsyncGenerator<PackageRecord> {
  const index = await loadIndexes(pinned, ctx);
  try {
    for (let i = 0; i < index.count; i++) {
      if (i % RECORDS_PER_CHECK === 0) {
        ctx.signal.throwIfAborted();
        index.release();
      }
      const record = usableRecord(index, i, pinned.repository.id, ctx);
      if (record !== undefined) yield record;
    }
  } finally {
    index.close();
  }
}

/** A record, or undefined with a warning when a value of it cannot be trusted: the other packages stay usable. */
function usableRecord(index: PackagesIndex, i: number, repository: string, ctx: Context): PackageRecord | undefined {
  try {
    return index.record(i, repository);
  } catch (error) {
    if (!isIctError(error) || error.code !== 'ICT_DEB_INDEX_INVALID') throw error;
    const { code, message, hint } = error;
    ctx.emit({ type: 'warning', code, message, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }
}

/**
 * Opens every index of a pinned repository, checked against the digests that its signed root gives. Downloads what the cache does not
 * have; the decompressed text stays in the cache, and so does its directory, with which equal indexes need not be scanned again.
 *
 * @param store what packages are read into; repositories that are resolved together share one.
 * @returns the packages in the order of the indexes; a stanza that cannot be used is left out, with a warning. To be closed: it reads packages from the
 * files as they are asked for.
 * @throws `ICT_DEB_INDEX_MISSING`, `ICT_DEB_INDEX_MISMATCH`, `ICT_DEB_INDEX_INVALID`, and what the fetcher throws.
 */
export async function loadIndexes(pinned: Snapshot, ctx: Context, store?: IndexStore): Promise<PackagesIndex> {
  const files = await plainFiles(pinned, ctx);
  const text = new TextInFiles(files);
  try {
    let directory = await recallDirectory(pinned, ctx);
    if (directory === undefined) {
      ctx.signal.throwIfAborted();
      directory = readDirectory(text, segmentsOf(pinned, files));
      await keepDirectory(pinned, directory, ctx);
    }
    const index = new PackagesIndex(directory, text, store);
    warnOfDropped(index, pinned.repository, ctx);
    return index;
  } catch (error) {
    text.close();
    throw error;
  }
}

function segmentsOf({ indexes }: Snapshot, files: readonly TextFile[]): readonly IndexSegment[] {
  let offset = 0;
  return files.map(({ sizeBytes }, i) => {
    const segment = { path: indexes[i].path, offset };
    offset += sizeBytes;
    return segment;
  });
}

/** Every decompressed index, or the first failure; only after all have ended, so that nothing still writes when the build has failed. */
async function plainFiles({ repository, indexes }: Snapshot, ctx: Context): Promise<readonly TextFile[]> {
  const absent = new AbsentFiles();
  const work = indexes.map((index) => plainFile(repository, index, ctx));
  await Promise.allSettled(work);
  await Promise.all(work.map((each) => absent.without(each)));
  absent.refuse();
  return Promise.all(work);
}

/** The decompressed index on this machine, its digest known to be right. */
async function plainFile(repository: RepositorySpec, index: IndexRef, ctx: Context): Promise<TextFile> {
  if ((index.plain?.sizeBytes ?? 0) > MAX_INDEX_BYTES || index.sizeBytes > MAX_INDEX_BYTES) throw tooLarge(repository, index);
  const known = index.plain ?? (await recallPlain(index, ctx));
  const cached = known && (await ctx.blobs.path(known.digest));
  if (known !== undefined && cached !== undefined) {
    // Its digest is right; a root that gives it another size would have a part of it read, and the directory of that part kept for other repositories.
    const { size } = await stat(cached);
    if (size !== known.sizeBytes) throw mismatch(repository, index, 'stored', known, { ...known, sizeBytes: size });
    return { path: cached, sizeBytes: size };
  }
  const kept = await ctx.blobs.path(index.digest);
  const compressed = kept ?? (await fetchIndex(repository, index, ctx));
  const out = join(ctx.temporary, `index-${randomUUID()}`);
  const { output } = await decompressIndex(repository, index, compressed, out, ctx);
  const { digest, sizeBytes } = output;
  if (index.plain === undefined) {
    // The root does not say what the plain text must be: what it was made of can be asked for again, without the network.
    if (kept === undefined) await ctx.blobs.putFile(compressed, { digest: index.digest, sizeBytes: index.sizeBytes });
    await ctx.memo.set(PLAIN, index.digest, { digest, sizeBytes });
  } else if (digest !== index.plain.digest || sizeBytes !== index.plain.sizeBytes) {
    throw mismatch(repository, index, 'decompressed', index.plain, output);
  }
  await ctx.blobs.putFile(out, { digest, sizeBytes });
  const stored = await ctx.blobs.path(digest);
  if (stored === undefined) throw mismatch(repository, index, 'stored', output, { digest, sizeBytes: 0 });
  return { path: stored, sizeBytes };
}

/** What the text of an index turned out to be, of which its root lists only the compressed file. */
async function recallPlain({ digest }: IndexRef, ctx: Context): Promise<Content | undefined> {
  const known = await ctx.memo.get(PLAIN, digest);
  if (typeof known !== 'object' || known === null || !('digest' in known && 'sizeBytes' in known)) return undefined;
  const { digest: plain, sizeBytes } = known;
  return typeof plain === 'string' && isSha256Digest(plain) && typeof sizeBytes === 'number' ? { digest: plain, sizeBytes } : undefined;
}

async function decompressIndex(repository: RepositorySpec, index: IndexRef, compressed: string, out: string, ctx: Context) {
  const { decompressFileTo, detectCompression } = await import('@ict/archive');
  try {
    return await decompressFileTo(compressed, out, {
      kind: detectCompression(index.path),
      maxBytes: index.plain?.sizeBytes ?? MAX_INDEX_BYTES,
      signal: ctx.signal,
    });
  } catch (cause) {
    if (!hasCode(cause, 'ICT_ARCHIVE_TOO_LARGE') && !hasCode(cause, 'ICT_ARCHIVE_CORRUPT')) throw cause;
    throw debError('ICT_DEB_INDEX_MISMATCH', {
      message: `${index.path} of repository "${repository.id}" does not decompress to what the signed Release file says`,
      hint: 'The repository was published with a broken index; report it to the repository.',
      facts: { repository: repository.id, path: index.path, expected: index.plain },
      cause,
    });
  }
}

/** By content where the repository offers that, so that a mirror in the middle of an update does no harm; else under its own name. */
async function fetchIndex(repository: RepositorySpec, index: IndexRef, ctx: Context): Promise<string> {
  const paths = index.byHash === undefined ? [index.path] : [index.byHash, index.path];
  let notFound: unknown;
  for (const path of paths) {
    try {
      const { digest, sizeBytes } = index;
      const url = `${repository.archive}/${path}`;
      const fetched = await ctx.fetch.fetch({ url, maxBytes: sizeBytes, expect: { digest, sizeBytes }, progress: true });
      if (fetched.digest !== digest || fetched.sizeBytes !== sizeBytes) throw mismatch(repository, index, 'fetched', index, fetched);
      return fetched.file;
    } catch (error) {
      if (isIctError(error) && error.code === 'ICT_FETCH_MISMATCH') throw mismatch(repository, index, 'fetched', index, error);
      if (!hasCode(error, 'ICT_FETCH_NOT_FOUND')) throw nameAbsent(error, `${index.path} of repository "${repository.id}"`);
      notFound = error;
    }
  }
  throw debError('ICT_DEB_INDEX_MISSING', {
    message: `${index.path} of repository "${repository.id}" is listed in its signed Release file, but is not there`,
    hint: 'The mirror may be in the middle of an update: try again, or use another mirror.',
    facts: { repository: repository.id, path: index.path },
    cause: notFound,
  });
}

type Content = Pick<IndexRef, 'digest' | 'sizeBytes'>;

function mismatch(
  repository: RepositorySpec,
  index: IndexRef,
  what: 'fetched' | 'decompressed' | 'stored',
  expected: Content,
  found: Content | FetchedFile | IctError,
): Error {
  return debError('ICT_DEB_INDEX_MISMATCH', {
    message: `${index.path} of repository "${repository.id}", as ${what === 'fetched' ? fetchedFrom(found) : what}, is not what the signed Release file says`,
    hint: 'The mirror may be in the middle of an update: try again, or use another mirror.',
    facts: {
      ...(isIctError(found) ? found.facts : { actual: { digest: found.digest, sizeBytes: found.sizeBytes } }),
      repository: repository.id,
      path: index.path,
      expected: { digest: expected.digest, sizeBytes: expected.sizeBytes },
    },
    cause: isIctError(found) ? found : undefined,
  });
}

function tooLarge(repository: RepositorySpec, index: IndexRef): Error {
  return debError('ICT_DEB_INDEX_INVALID', {
    message: `${index.path} of repository "${repository.id}" is larger than the ${MAX_INDEX_BYTES} bytes that are read`,
    hint: 'No real index is so large; report it to the repository.',
    facts: { repository: repository.id, path: index.path, sizeBytes: index.plain?.sizeBytes ?? index.sizeBytes },
  });
}

function warnOfDropped(index: PackagesIndex, repository: RepositorySpec, ctx: Context): void {
  const { length } = index.diagnostics;
  if (length === 0) return;
  const told = index.diagnostics.slice(0, MAX_TOLD).map((each) => {
    const subject = each.package === undefined ? '' : `${each.package}${each.field === undefined ? '' : `, ${each.field}`}: `;
    return `\n  ${each.path}:${each.line}: ${subject}${each.reason}`;
  });
  const more = length > told.length ? `\n  and ${length - told.length} more` : '';
  ctx.emit({
    type: 'warning',
    code: 'ICT_DEB_INDEX_INVALID',
    message: `${formatCount(length, 'stanza')} of repository "${repository.id}" left out:${told.join('')}${more}`,
    hint: 'The repository was published with a broken index; report it to the repository.',
  });
}
