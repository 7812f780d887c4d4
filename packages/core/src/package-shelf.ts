import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CachedPackage, PackageCache, PackageLookup } from '@ict/cache';
import type { Provider, ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from './lock.js';

/** Where a build finds and puts packages. */
export interface PackageShelf {
  lookup(pkg: ResolvedPackage): Promise<PackageLookup>;
  /** @returns the file's place. */
  store(pkg: ResolvedPackage, temporaryFile: string): Promise<string>;
  /** Keeps how the packages need each other beside them. */
  writeGraph(dot: string): Promise<void>;
}

/** The package cache as a build of one lock uses it: under the provider's file names, and with who vouched for each package. */
export class CachedPackages implements PackageShelf {
  private readonly cache: PackageCache;
  private readonly lock: Lock;
  private readonly provider: Provider;

  constructor(cache: PackageCache, lock: Lock, provider: Provider) {
    this.cache = cache;
    this.lock = lock;
    this.provider = provider;
  }

  lookup(pkg: ResolvedPackage): Promise<PackageLookup> {
    return this.cache.lookup(this.cached(pkg));
  }

  store(pkg: ResolvedPackage, temporaryFile: string): Promise<string> {
    const repository = this.lock.repositories.find(({ id }) => id === pkg.repository);
    const signedBy = repository === undefined ? undefined : { root: repository.root.digest, signers: repository.signers };
    return this.cache.store(this.cached(pkg), temporaryFile, signedBy);
  }

  writeGraph(dot: string): Promise<void> {
    return this.cache.writeGraph(dot);
  }

  private cached(pkg: ResolvedPackage): CachedPackage {
    return { ...pkg, fileName: this.provider.fileName(pkg) };
  }
}

/** Packages of one build that neither takes them from the cache nor keeps them. */
export class PrivatePackages implements PackageShelf {
  private readonly directory: string;
  private readonly provider: Provider;

  /** @param directory is removed when the build ends. */
  constructor(directory: string, provider: Provider) {
    this.directory = directory;
    this.provider = provider;
  }

  async lookup(): Promise<PackageLookup> {
    return { state: 'miss' };
  }

  async store(pkg: ResolvedPackage, temporaryFile: string): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const file = join(this.directory, this.provider.fileName(pkg));
    await rename(temporaryFile, file);
    return file;
  }

  /** Nobody would find it. */
  async writeGraph(): Promise<void> {}
}
