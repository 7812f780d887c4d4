import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CachedPackage, PackageCache, PackageLookup, PackageTwins, SignedBy } from '@ict/cache';
import type { Digest, FetchedFile, Provider, ResolvedPackage, VerifiedPackage } from '@ict/plugin-api';
import { inParallel } from '../in-parallel.js';
import type { Lock } from '../locks/lock.js';
import { FileNames } from './file-names.js';

/** Makes packages ready to be unpacked: gives them their twins, as far as there are any. */
export type ForUnpacking = (packages: readonly VerifiedPackage[]) => Promise<readonly VerifiedPackage[]>;

/** Packages are unpacked as they are. */
export const asTheyAre: ForUnpacking = async (packages) => packages;

/** Twins of packages, and how they are made. */
export interface TwinUse {
  readonly twins: PackageTwins;
  /** How many are made at a time. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

/** A package as it was fetched. */
export type FetchedPackage = Pick<FetchedFile, 'file' | 'digest' | 'state'>;

/** Where a build finds and puts packages. */
export interface PackageShelf {
  lookup(pkg: ResolvedPackage): Promise<PackageLookup>;
  /** @param rules digest of those that the package was verified by. @returns the file's place. */
  store(pkg: ResolvedPackage, fetched: FetchedPackage, rules?: Digest): Promise<string>;
  /** Notes that a package that was looked up has been verified by these rules. */
  vouch(pkg: ResolvedPackage, rules: Digest): Promise<void>;
  /** Keeps how the packages need each other beside them. */
  writeGraph(dot: string): Promise<void>;
  readonly forUnpacking: ForUnpacking;
}

/** The package cache as a build of one lock uses it: under the provider's file names, and with who vouched for each package. */
export class CachedPackages implements PackageShelf {
  private readonly cache: PackageCache;
  private readonly lock: Lock;
  private readonly names: FileNames;
  private readonly use: TwinUse | undefined;
  /** What an earlier build left: only that is unpacked for the second time at least. */
  private readonly reused = new Set<Digest>();

  /** @param use absent: packages have no twins. */
  constructor(cache: PackageCache, lock: Lock, provider: Provider, use?: TwinUse) {
    this.cache = cache;
    this.lock = lock;
    this.names = new FileNames(provider);
    this.use = use;
  }

  async lookup(pkg: ResolvedPackage): Promise<PackageLookup> {
    const found = await this.cache.lookup(this.cached(pkg), this.signedBy(pkg));
    if (found.state === 'hit') this.reused.add(pkg.digest);
    return found;
  }

  readonly forUnpacking: ForUnpacking = async (packages) => {
    const { use } = this;
    if (use === undefined) return packages;
    const files = new Map<Digest, string | undefined>();
    const reused = packages.filter(({ digest }) => this.reused.has(digest));
    await inParallel(reused, use.workers, use.signal, async (pkg) => {
      files.set(pkg.digest, await use.twins.obtain({ ...pkg, fileName: this.names.of(pkg) }));
    });
    return packages.map((pkg) => {
      const twin = files.get(pkg.digest);
      return twin === undefined ? pkg : { ...pkg, twin };
    });
  };

  store(pkg: ResolvedPackage, { file, digest, state }: FetchedPackage, rules?: Digest): Promise<string> {
    const signedBy = this.signedBy(pkg);
    const vouched = { ...(signedBy === undefined ? {} : { signedBy }), ...(rules === undefined ? {} : { rules }) };
    return this.cache.store(this.cached(pkg), file, vouched, digest === pkg.digest ? state : undefined);
  }

  vouch(pkg: ResolvedPackage, rules: Digest): Promise<void> {
    return this.cache.vouch(this.cached(pkg), rules);
  }

  writeGraph(dot: string): Promise<void> {
    return this.cache.writeGraph(dot);
  }

  private signedBy(pkg: ResolvedPackage): SignedBy | undefined {
    const repository = this.lock.repositories.find(({ id }) => id === pkg.repository);
    return repository && { root: repository.root.digest, signers: repository.signers };
  }

  private cached(pkg: ResolvedPackage): CachedPackage {
    return { ...pkg, fileName: this.names.of(pkg) };
  }
}

/** Packages of one build that neither takes them from the cache nor keeps them. */
export class PrivatePackages implements PackageShelf {
  readonly forUnpacking = asTheyAre;
  private readonly directory: string;
  private readonly names: FileNames;

  /** @param directory is removed when the build ends. */
  constructor(directory: string, provider: Provider) {
    this.directory = directory;
    this.names = new FileNames(provider);
  }

  async lookup(): Promise<PackageLookup> {
    return { state: 'miss' };
  }

  async store(pkg: ResolvedPackage, fetched: FetchedPackage): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const file = join(this.directory, this.names.of(pkg));
    await rename(fetched.file, file);
    return file;
  }

  /** Nobody would find it. */
  async vouch(): Promise<void> {}

  /** Nobody would find it. */
  async writeGraph(): Promise<void> {}
}
