import type { CacheLimits } from '@ict/cache';
import type { StorageSettings } from '@ict/template';

/** What the settings of packages and images mean for a collection of the cache. */
export function storageLimits({ packageCache, imageCache }: StorageSettings): CacheLimits {
  return { packageBytes: packageCache.maxSizeBytes, packageDays: packageCache.retentionDays, imageCount: imageCache.maxCount };
}
