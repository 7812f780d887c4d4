import { constants } from 'node:fs';
import { copyFile, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  atomicWriteFile,
  cacheKey,
  digestAlgorithm,
  digestFromIntegrity,
  ensureDirectory,
  errnoOf,
  flushFile,
  ignoreSystemError,
  integrityFromDigest,
  sharedDirectorySync,
  systemErrorOf,
  type CacheKey,
  type ContentIdentity,
} from '@ict/integrity';
import type { Digest, PackageRecord } from '@ict/plugin-api';
import { cacheError } from './errors.js';
import type { StoreContext } from './store-context.js';
import { pathSegment, type Layout } from './layout.js';
import { isPackageEntry, PACKAGE_GRAPH, packageId, type PackageEntry, type SignedBy } from './package-entries.js';
import { listRecords, readRecord, removeRecord, writeHint } from './record-file.js';
import { mismatch, renamed, stageFile } from './staging.js';
import { sameSignature, statSignature, type StatSignature } from './stat-signature.js';
import { storageFailure } from './storage-failure.js';
import { clearWreck } from './wreck.js';

/** A package as an index describes it, with its name in the flat directory (`Provider.fileName`). */
export type CachedPackage = Pick<PackageRecord, 'name' | 'version' | 'arch' | 'repository' | 'digest' | 'sizeBytes'> & {
  readonly fileName: string;
};

export type PackageLookup =
  /** `rules`: the digest of those that the package was verified by, as its record says. */
  | { readonly state: 'hit'; readonly file: string; readonly check: 'signature' | 'hash'; readonly rules?: Digest }
  | { readonly state: 'miss' }
  /** The file was damaged; it and its record are gone, nothing else is. */
  | { readonly state: 'invalid'; readonly reason: string };

/** Who vouches for a package, and the rules that it was verified by. */
export type Vouched = Pick<PackageEntry, 'signedBy' | 'rules'>;

/** The flat directory `pkgCache/{provider-id}` and its index. */
export interface PackageCache {
  readonly directory: string;
  /**
   * Finds a package and verifies it: by stat signature, or by hash when that changed, or when it was last hashed weeks ago. A file
   * without a record is adopted when its hash is the expected one. Emits `package.cached`, `package.miss`, or `package.invalid` and
   * then `package.evicted`.
   *
   * @param signedBy who vouches for the package now: noted where no record says who did.
   */
  lookup(pkg: CachedPackage, signedBy?: SignedBy): Promise<PackageLookup>;
  /**
   * Takes `file` over under the package's own name, replacing atomically what had that name. Emits `package.stored`.
   *
   * @param state in which the file has the package's digest, as whoever digested its bytes and wrote them says; else it is hashed here.
   * @returns the path in the cache; where the file system refuses, with a warning, that of a file which lasts as long as this process.
   * @throws `ICT_CACHE_MISMATCH` when the file is not the package, `ICT_CACHE_DISK_FULL`, `ICT_CACHE_NAME`; `ICT_CACHE_UNWRITABLE`.
   */
  store(pkg: CachedPackage, file: string, vouched?: Vouched, state?: StatSignature): Promise<string>;
  /**
   * Puts a copy of a file that was made elsewhere where `lookup` finds it, under its own name. It has no record, and counts only with the digest
   * that is looked for.
   *
   * @returns its name.
   * @throws `ICT_CACHE_MISMATCH` when a verified package has its name and other content; `ICT_CACHE_NAME`, `ICT_CACHE_DISK_FULL`,
   * `ICT_CACHE_UNWRITABLE`; Node's own error where the file cannot be read.
   */
  importFile(file: string): Promise<string>;
  /** Notes that a cached package was verified by other rules; nothing happens where it has no record here. */
  vouch(pkg: CachedPackage, rules: Digest): Promise<void>;
  /**
   * Writes the graph of dependencies beside the packages: `chrootpkgs.dot`.
   *
   * @throws `ICT_CACHE_DISK_FULL`, `ICT_CACHE_UNWRITABLE`.
   */
  writeGraph(dot: string): Promise<void>;
  /** Every record of the index, in no particular order. */
  entries(): AsyncIterable<PackageEntry>;
}

/** The cache key of a package: everything that names its content, not where it came from or what the file is called. */
export function packageKey(pkg: CachedPackage): CacheKey {
  const { name, version, arch, repository, digest, sizeBytes } = pkg;
  return cacheKey('package', { name, version, arch, repository, digest, sizeBytes });
}

/**
 * The package cache of one provider.
 *
 * @throws `ICT_CACHE_NAME` for a provider id that is no plain name.
 */
export function createPackageCache(store: StoreContext, providerId: string): PackageCache {
  const { layout, clock, emit, mode, digestFile, journal, isScrubDue, readOnly, trouble } = store;
  const directory = layout.packages(providerId);
  const index = `packages/${providerId}`;
  const flushNames = sharedDirectorySync(directory);
  const fileOf = (pkg: CachedPackage): string => join(directory, pathSegment(pkg.fileName, 'a package'));

  async function* entries(): AsyncGenerator<PackageEntry, void, undefined> {
    for await (const path of listRecords(join(layout.area('index'), index))) {
      const entry = await readRecord(path, isPackageEntry);
      if (entry !== undefined) yield entry;
    }
  }

  async function readEntry(pkg: CachedPackage, place: Layout): Promise<PackageEntry | undefined> {
    const entry = await readRecord(place.record(index, packageKey(pkg)), isPackageEntry);
    const same =
      entry?.integrity === integrityFromDigest(pkg.digest) && entry.sizeBytes === pkg.sizeBytes && entry.fileName === pkg.fileName;
    return same ? entry : undefined;
  }

  async function record(
    pkg: CachedPackage,
    signature: StatSignature,
    known: Vouched & Partial<Pick<PackageEntry, 'storedAt'>>,
  ): Promise<void> {
    const now = clock();
    const { storedAt = now, signedBy, rules } = known;
    const key = packageKey(pkg);
    const entry: PackageEntry = {
      key,
      name: pkg.name,
      version: pkg.version,
      arch: pkg.arch,
      repository: pkg.repository,
      integrity: integrityFromDigest(pkg.digest),
      sizeBytes: pkg.sizeBytes,
      fileName: pkg.fileName,
      statSignature: signature,
      storedAt,
      verifiedAt: now,
      ...(signedBy === undefined ? {} : { signedBy }),
      ...(rules === undefined ? {} : { rules }),
    };
    await write(entry);
  }

  async function write(entry: PackageEntry): Promise<void> {
    await writeHint(layout, layout.record(index, entry.key), JSON.stringify(entry));
  }

  /** True when a record says that the file of this name rightly has its content: then it is another package's. */
  async function isClaimed(file: string, fileName: string, actual: ContentIdentity): Promise<boolean> {
    for await (const entry of entries()) {
      if (entry.fileName !== fileName) continue;
      const digest = digestFromIntegrity(entry.integrity);
      const algorithm = digestAlgorithm(digest);
      const identity = algorithm === digestAlgorithm(actual.digest) ? actual : await digestFile(file, algorithm);
      if (identity.digest === digest) return true;
    }
    return false;
  }

  /**
   * True when the cache has a verified file of this name with the content of `file`.
   *
   * @throws `ICT_CACHE_MISMATCH` when its content is another: what was verified makes way for nothing that was not.
   */
  async function holds(target: string, fileName: string, file: string): Promise<boolean> {
    if ((await statSignature(target)) === undefined) return false;
    const kept = await digestFile(target);
    if (!(await isClaimed(target, fileName, kept))) return false;
    const given = await digestFile(file);
    if (given.digest === kept.digest) return true;
    throw cacheError('ICT_CACHE_MISMATCH', {
      message: `${file} is not the package ${packageId(providerId, fileName)} that the cache has: its digest is ${given.digest}, not ${kept.digest}`,
      hint: 'If it is the one that the repository has now, take the other away first: `ict cache clean --key`, with that name.',
      facts: { file, actual: given.digest, expected: kept.digest },
    });
  }

  function hit(pkg: CachedPackage, file: string, check: 'signature' | 'hash', entry: PackageEntry | undefined): PackageLookup {
    emit({ type: 'package.cached', name: pkg.name, version: pkg.version, check });
    return { state: 'hit', file, check, ...(entry?.rules === undefined ? {} : { rules: entry.rules }) };
  }

  /** @param again how often it is looked for anew when the file changes, or is replaced by another process, while it is hashed. */
  async function find(pkg: CachedPackage, vouched: Vouched, again = 3): Promise<PackageLookup> {
    const file = fileOf(pkg);
    const entry = await readEntry(pkg, layout);
    const forget = async (): Promise<void> => {
      if (entry !== undefined) await removeRecord(layout.record(index, entry.key));
    };
    const signature = await statSignature(file);
    if (signature === undefined) {
      await forget();
      return { state: 'miss' };
    }
    const unchanged = entry !== undefined && mode === 'signature' && sameSignature(entry.statSignature, signature);
    if (unchanged && !isScrubDue(entry.verifiedAt, entry.sizeBytes)) return hit(pkg, file, 'signature', entry);
    // Without a record the size alone shows that a file is another package's; only an equal one is worth hashing.
    if (entry === undefined && signature.sizeBytes !== pkg.sizeBytes) return { state: 'miss' };

    const actual = await digestFile(file, digestAlgorithm(pkg.digest));
    if (actual.digest === pkg.digest) {
      const after = await statSignature(file);
      if (after === undefined || !sameSignature(after, signature)) return again > 0 ? find(pkg, vouched, again - 1) : { state: 'miss' };
      // A hit stays a hit when what is known of it anew cannot be kept: the next build finds it out again.
      await record(pkg, after, { ...vouched, ...entry }).catch(ignoreSystemError);
      return hit(pkg, file, 'hash', entry);
    }
    await forget();
    if (entry === undefined || (await isClaimed(file, pkg.fileName, actual))) return { state: 'miss' };
    const now = await statSignature(file);
    const evicted = now !== undefined && sameSignature(now, signature) && (await layout.toTrash(file));
    const reason =
      actual.sizeBytes === pkg.sizeBytes
        ? `its digest is ${actual.digest}, not ${pkg.digest}`
        : `it has ${actual.sizeBytes} bytes, not ${pkg.sizeBytes}`;
    emit({ type: 'package.invalid', name: pkg.name, version: pkg.version, reason });
    if (evicted) emit({ type: 'package.evicted', name: pkg.name, version: pkg.version });
    return { state: 'invalid', reason };
  }

  async function elsewhere(pkg: CachedPackage, place: Layout): Promise<PackageLookup | undefined> {
    const file = join(place.packages(providerId), pathSegment(pkg.fileName, 'a package'));
    const entry = await readEntry(pkg, place);
    const recorded = entry && { signature: entry.statSignature, verifiedAt: entry.verifiedAt };
    const check = await readOnly.prove(file, { digest: pkg.digest, sizeBytes: pkg.sizeBytes, recorded });
    return check && hit(pkg, file, check, entry);
  }

  /** @returns the state of the file in its place; undefined when another process took it, or took it away. */
  async function place(staged: string, file: string): Promise<StatSignature | undefined> {
    ensureDirectory(directory);
    await flushFile(staged);
    await clearWreck(layout, file);
    let placed: StatSignature | undefined;
    try {
      placed = await renamed(staged, file);
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error;
      const beside = layout.hidden(directory); // pkgCache is a volume of its own
      try {
        await copyFile(staged, beside);
        await flushFile(beside);
        placed = await renamed(beside, file);
        await rm(staged);
      } finally {
        await rm(beside, { force: true });
      }
    }
    await flushNames();
    return placed;
  }

  /**
   * The state of what another process put in the place of a package; undefined when nothing is there any more.
   *
   * @throws `ICT_CACHE_MISMATCH` when it is not the package.
   */
  async function taken(pkg: CachedPackage, file: string, what: string): Promise<StatSignature | undefined> {
    const signature = await statSignature(file);
    if (signature === undefined) return undefined;
    const actual = await digestFile(file, digestAlgorithm(pkg.digest));
    if (actual.digest !== pkg.digest) throw mismatch(what, pkg, actual);
    return signature;
  }

  return {
    directory,
    entries,
    async writeGraph(dot) {
      try {
        const graph = join(directory, PACKAGE_GRAPH);
        ensureDirectory(directory);
        await clearWreck(layout, graph);
        await atomicWriteFile(graph, dot, { temporary: layout.hidden(directory) });
      } catch (error) {
        trouble.notKept(error, { what: 'the graph of packages', directory });
      }
    },
    async lookup(pkg, signedBy) {
      await journal.note('package', packageId(providerId, pathSegment(pkg.fileName, 'a package')));
      const own = await find(pkg, signedBy === undefined ? {} : { signedBy }).catch((error: unknown): PackageLookup => {
        if (systemErrorOf(error) === undefined) throw error; // a file system in trouble costs a download, not the build
        emit({
          type: 'warning',
          code: 'ICT_CACHE_DAMAGED',
          message: `${fileOf(pkg)} cannot be read (${systemErrorOf(error)}); the package is taken from elsewhere`,
        });
        return { state: 'miss' };
      });
      const found = own.state === 'hit' ? own : ((await readOnly.first((place) => elsewhere(pkg, place))) ?? own);
      if (found.state === 'miss') emit({ type: 'package.miss', name: pkg.name, version: pkg.version });
      return found;
    },
    async importFile(file) {
      const name = pathSegment(basename(file), 'a package');
      const fresh = layout.hidden(directory);
      // Whether it can be read is not the cache's affair.
      await using source = await open(file, 'r');
      const { size } = await source.stat();
      const target = join(directory, name);
      try {
        if (await holds(target, name, file)) return name;
        ensureDirectory(directory);
        await copyFile(file, fresh, constants.COPYFILE_FICLONE);
        await place(fresh, target);
      } catch (error) {
        await rm(fresh, { force: true }).catch(ignoreSystemError); // the cause says more; what stays is reaped
        throw storageFailure(error, { what: `package ${name}`, directory, neededBytes: size });
      }
      return name;
    },
    async vouch(pkg, rules) {
      const entry = await readEntry(pkg, layout).catch((error: unknown) => trouble.unreadable(error, fileOf(pkg)));
      // Not `verifiedAt`: its bytes were not compared with its digest.
      if (entry !== undefined) await write({ ...entry, rules }).catch(ignoreSystemError);
    },
    async store(pkg, file, vouched = {}, state) {
      const target = fileOf(pkg);
      const what = `package ${pkg.name} ${pkg.version}`;
      let staged: string | undefined;
      try {
        await journal.note('package', packageId(providerId, pkg.fileName));
        staged = (await stageFile(store, file, pkg, what, state)).path;
        const signature = (await place(staged, target)) ?? (await taken(pkg, target, what));
        if (signature !== undefined) await record(pkg, signature, vouched);
      } catch (error) {
        const writing = { what, directory, neededBytes: pkg.sizeBytes };
        if (staged === undefined) throw storageFailure(error, writing);
        try {
          trouble.notKept(error, writing);
        } catch (failure) {
          await rm(staged, { force: true });
          throw failure;
        }
        return (await statSignature(staged)) === undefined ? target : staged; // this process uses it where it is
      }
      emit({ type: 'package.stored', name: pkg.name, version: pkg.version, sizeBytes: pkg.sizeBytes });
      return target;
    },
  };
}
