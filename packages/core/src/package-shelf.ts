import type { CachedPackage, PackageCache, PackageLookup } from '@ict/cache';
import type { Provider, ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from './lock.js';

/** The package cache as a build of one lock uses it: under the provider's file names, and with who vouched for each package. */
export class PackageShelf {
  readonly directory: string;
  private readonly cache: PackageCache;
  private readonly lock: Lock;
  private readonly provider: Provider;

  constructor(cache: PackageCache, lock: Lock, provider: Provider) {
    this.directory = cache.directory;
    this.cache = cache;
    this.lock = lock;
    this.provider = provider;
  }

  lookup(pkg: ResolvedPackage): Promise<PackageLookup> {
    return this.cache.lookup(this.cached(pkg));
  }

  /** @returns the file's place in the cache. */
  store(pkg: ResolvedPackage, temporaryFile: string): Promise<string> {
    const repository = this.lock.repositories.find(({ id }) => id === pkg.repository);
    const signedBy = repository === undefined ? undefined : { root: repository.root.digest, signers: repository.signers };
    return this.cache.store(this.cached(pkg), temporaryFile, signedBy);
  }

  private cached(pkg: ResolvedPackage): CachedPackage {
    return { ...pkg, fileName: this.provider.fileName(pkg) };
  }
}
