import type { ImageSpec } from '@ict/plugin-api';
import type { StorageSettings } from '@ict/template';
import type { CacheUse } from './engine-api.js';

/** The part of the storage settings that switches tiers on and off. */
export type StorageSwitches = { readonly [Tier in keyof StorageSettings]: Pick<StorageSettings[Tier], 'enabled'> };

/** Which tiers of the cache a build uses: what it was told, else what configuration and template agree on. */
export function cacheUse(
  asked: CacheUse = {},
  { packageCache, imageCache }: StorageSwitches,
  { caches }: Pick<ImageSpec, 'caches'>,
): Required<CacheUse> {
  return {
    packages: asked.packages ?? (packageCache.enabled && caches.packages),
    images: asked.images ?? (imageCache.enabled && caches.images),
    layers: asked.layers ?? true,
    remote: asked.remote ?? true,
  };
}
