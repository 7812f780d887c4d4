import type { Stats } from 'node:fs';
import { access, constants, lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, errnoOf, ignoreSystemError, isRefusal } from '@ict/integrity';
import { isOwnDirectory } from './own-directory.js';
import { cacheError } from './errors.js';
import { storageFailure } from './storage-failure.js';

/** The directories of the configuration that say where a cache is. */
export interface CachePlaces {
  /** `cache_dir` */
  readonly cacheDir: string;
  readonly workDir: string;
  /** `temp_dir` */
  readonly temporaryDir: string;
  /** `read_only_cache_dirs` */
  readonly readOnlyCacheDirs?: readonly string[];
}

/** Which directories are written, and which ones are only read: options of `openCache`. */
export interface CacheHome {
  readonly cacheDir: string;
  readonly readOnlyDirs: readonly string[];
  readonly scratchDir?: string;
  /** Where trees are made and kept, when `cacheDir` lies where that is impossible. */
  readonly treesDir?: string;
}

/** Why no trees can be made in a directory; undefined when they can. */
export type UnfitForTrees = (directory: string) => Promise<string | undefined>;

/** Whether a path is a directory, or lies in it. */
const liesIn = (path: string, directory: string): boolean => `${path}/`.startsWith(`${directory}/`);

/** Directories of a cache in which everything counts as an entry, and is removed as one. */
const SHELVES = ['pkgCache', 'imageCache'];

/** The cache of a work directory. */
const ownPlace = (workDir: string): string => join(workDir, '.cache');

/**
 * Where the cache is. A `cache_dir` that can be read and not written (a mount, a directory of another user) is one of those that are only
 * read; what has to be written goes to `.cache` in the work directory. So do the trees alone when `cache_dir` lies where overlays cannot
 * be, on network storage for one, or in a directory of a group.
 *
 * @throws `ICT_CACHE_NESTED` for a work or temporary directory among the entries of the cache.
 */
export async function chooseCacheHome(
  { cacheDir, workDir, temporaryDir, readOnlyCacheDirs = [] }: CachePlaces,
  unfitForTrees: UnfitForTrees,
): Promise<CacheHome> {
  requireApart(cacheDir, workDir, [...SHELVES, '.ict'], '--work-dir');
  requireApart(cacheDir, temporaryDir, SHELVES, '--temp-dir');
  const borrowed = await isReadOnlyCache(cacheDir);
  // What lies in a cache directory that is only read is not writable either: then temporary files go where the rest goes.
  const refused = (borrowed && liesIn(temporaryDir, cacheDir)) || (await unfitForTrees(temporaryDir)) !== undefined;
  const scratch = refused ? {} : { scratchDir: temporaryDir };
  if (borrowed) return { cacheDir: ownPlace(workDir), readOnlyDirs: [cacheDir, ...readOnlyCacheDirs], ...scratch };
  const trees = (await unfitForTrees(cacheDir)) === undefined ? {} : { treesDir: ownPlace(workDir) };
  return { cacheDir, readOnlyDirs: readOnlyCacheDirs, ...scratch, ...trees };
}

function requireApart(cacheDir: string, directory: string, names: readonly string[], flag: string): void {
  const shelf = names.map((name) => join(cacheDir, name)).find((path) => liesIn(directory, path));
  if (shelf === undefined) return;
  throw cacheError('ICT_CACHE_NESTED', {
    message: `${directory} lies in ${shelf}, which belongs to the cache: it may remove what lies there`,
    hint: `Name another directory with ${flag}: ${cacheDir} itself, or a directory of your own below it, will do.`,
    facts: { directory, cacheDir },
  });
}

/** True for a directory that an ict wrote and that this user may not write. */
async function isReadOnlyCache(directory: string): Promise<boolean> {
  const hidden = join(directory, '.ict');
  if (!(await exists(join(hidden, 'VERSION')))) return false;
  for (const path of [join(hidden, 'tmp'), hidden]) {
    try {
      await access(path, constants.W_OK);
      return false;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') return ['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '');
    }
  }
  return false;
}

/**
 * Makes the cache of a work directory, where one is needed in place of the configured one. Its name is known to everyone, and work
 * directories lie in /var/tmp: nobody else may have put it there.
 *
 * @throws `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_DISK_FULL`.
 */
export async function claimCacheHome({ cacheDir, treesDir }: CacheHome, { cacheDir: configured, workDir }: CachePlaces): Promise<void> {
  const claimed = treesDir ?? cacheDir;
  if (claimed === configured) return;
  const why = treesDir === undefined ? 'cannot be written' : 'cannot hold layers';
  const refused = (fault: string, facts: Readonly<Record<string, unknown>>, cause?: unknown): Error =>
    cacheError('ICT_CACHE_UNWRITABLE', {
      message: `The cache directory ${configured} ${why}, and ${claimed}, which is taken instead, ${fault}`,
      hint: 'Name a work directory of your own with --work-dir, or a cache directory that you may write with --cache-dir.',
      facts: { directory: configured, instead: claimed, ...facts },
      ...(cause === undefined ? {} : { cause }),
    });
  let parent: Stats;
  try {
    ensureOwnDirectory(workDir);
    ensureOwnDirectory(claimed, 0o755);
    parent = await stat(workDir);
  } catch (error) {
    if (isRefusal(error)) throw refused(`cannot be made: ${errnoOf(error)}`, { reason: errnoOf(error) }, error);
    throw storageFailure(error, { what: 'its directories', directory: claimed });
  }
  if (isOwnDirectory(claimed) && [process.geteuid?.() ?? parent.uid, 0].includes(parent.uid)) return;
  throw refused('is not only this user\u2019s', { owner: (await lstat(claimed)).uid });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    ignoreSystemError(error);
    return false; // it is no cache that could be read
  }
}
