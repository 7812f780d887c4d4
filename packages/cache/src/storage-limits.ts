import type { CacheLimits } from './collector.js';

/** What the caches of packages and images may keep; what is absent has a default. The `storage` of the configuration. */
export interface StorageOptions {
  readonly packageCache: {
    /** Whether builds use packages of earlier builds. */
    readonly enabled: boolean;
    readonly maxSizeBytes?: number;
    readonly retentionDays?: number;
  };
  readonly imageCache: {
    /** Whether builds use images of earlier builds. */
    readonly enabled: boolean;
    readonly maxCount?: number;
  };
}

const GIB = 1024 ** 3;

/** What packages and images a cache keeps: at most 10 GiB of packages, each for 30 days after its last use, and 5 images. */
export function storageLimits({ packageCache, imageCache }: StorageOptions): CacheLimits {
  return {
    packageBytes: packageCache.maxSizeBytes ?? 10 * GIB,
    packageDays: packageCache.retentionDays ?? 30,
    imageCount: imageCache.maxCount ?? 5,
  };
}
