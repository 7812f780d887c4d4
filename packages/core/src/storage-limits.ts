import { occupiedBytes, unreadText, type Cache, type CacheLimits } from '@ict/cache';
import { toErrorRecord, type Context } from '@ict/plugin-api';
import type { StorageSettings } from '@ict/template';

/** What the settings of packages and images mean for a collection of the cache. */
export function storageLimits({ packageCache, imageCache }: StorageSettings): CacheLimits {
  return { packageBytes: packageCache.maxSizeBytes, packageDays: packageCache.retentionDays, imageCount: imageCache.maxCount };
}

/** What a build is asked to keep to. */
interface LimitedBuild {
  readonly storage: StorageSettings;
  readonly signal: AbortSignal;
}

/** Reasons why something is another user's business, as the `lost+found` of a volume: no build need be told each time. */
const OTHERS: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/**
 * Brings packages and images below their limits, and says when what running builds use is too much for the limit of packages: then each
 * build throws away what the next one downloads again. What a disk in trouble kept from being looked at is told in one warning.
 * A cache that cannot be collected still served the build: its trouble is a warning.
 */
export async function enforceLimits(
  cache: Pick<Cache, 'collect' | 'entries'>,
  { storage, signal }: LimitedBuild,
  emit: Context['emit'],
): Promise<void> {
  try {
    const { removed, freedBytes, pinned, unread } = await cache.collect(storageLimits(storage), { signal });
    if (removed.length > 0) emit({ type: 'cache.collected', entries: removed.length, freedBytes });
    const message = unreadText(unread.filter(({ reason }) => !OTHERS.has(reason)));
    if (message !== undefined) {
      const hint =
        'It stays, and whatever it may refer to. Check the disk or file server below it, and who may read it; `ict cache gc` tells more.';
      emit({ type: 'warning', code: 'ICT_CACHE_UNREADABLE', message, hint });
    }
    const limitBytes = storage.packageCache.maxSizeBytes;
    // What cannot be looked at counts for no collection either.
    if (pinned === 0 || occupiedBytes(await cache.entries(['package', 'twin'], () => undefined)) <= limitBytes) return;
    emit({
      type: 'warning',
      code: 'ICT_CACHE_LIMIT_SMALL',
      message: `the packages that running builds use take more than storage.package_cache.max_size_gb (${limitBytes / 1024 ** 3}) allows`,
      hint: 'Raise the limit: each build throws away what others have to download again.',
    });
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = toErrorRecord(error);
    emit({ type: 'warning', code, message: `the cache could not be brought below its limits: ${message}` });
  }
}
