import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, isReadFailure } from '@ict/integrity';
import { identityOf, statsBelow } from './directory-files.js';
import type { Layout } from './layout.js';
import type { Unseen } from './unread.js';

/** How much lies in one part of the cache or of a work directory, as `du` and `find` would say. */
export interface AreaUsage {
  /** `packages/{provider-id}`, `images`, `blobs`, `layers`, ...; `{provider-id}/chrootenv` of a work directory */
  readonly area: string;
  readonly files: number;
  /** Sum of file sizes; a file with several names counts once. */
  readonly sizeBytes: number;
  /** What they take on disk, directories included: `du --block-size=1`. */
  readonly allocatedBytes: number;
  /** How much of that is files which an area before this one has, too. */
  readonly sharedBytes: number;
  /** How many directories, and files in them, cannot be looked at. */
  readonly unreadable: number;
}

/** Looks between which whoever waits for this process, a signal among them, gets a turn. */
const LOOKS = 4096;

/** @param before files with several names in the areas before this one; those of this one are added. */
async function measure(area: string, root: string, before: Set<string>, unseen: Unseen): Promise<AreaUsage> {
  const seen = new Set<string>();
  const total = { files: 0, sizeBytes: 0, allocatedBytes: 0, sharedBytes: 0, unreadable: 0 };
  let looks = 0;
  const tell: Unseen = (path, error) => {
    total.unreadable += 1;
    unseen(path, error);
  };
  for (const stats of statsBelow(root, tell)) {
    if (++looks % LOOKS === 0) await nextTurn();
    const bytes = stats.blocks * 512;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const id = identityOf(stats);
      if (seen.has(id)) continue;
      seen.add(id);
      if (before.has(id)) total.sharedBytes += bytes;
      before.add(id);
    }
    total.allocatedBytes += bytes;
    if (stats.isDirectory()) continue;
    total.files += 1;
    total.sizeBytes += stats.size;
  }
  return { area, ...total };
}

/**
 * The parts of a directory, sorted, as area and path: none when it is absent (nothing is cached yet), and the directory itself, as
 * `whole`, when it cannot be read or is a file, so that the usage says so.
 */
async function partsOf(directory: string, whole: string, prefix: string): Promise<readonly (readonly [area: string, root: string])[]> {
  try {
    return (await readdir(directory)).sort().map((name) => [`${prefix}${name}`, join(directory, name)]);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP' || isReadFailure(error)) return [[whole, directory]];
    throw error;
  }
}

/**
 * Usage by area, only of areas that exist. Reads every directory of the cache.
 *
 * @param unseen is told of what cannot be looked at, and does not count.
 */
export async function measureUsage(layout: Layout, unseen: Unseen): Promise<readonly AreaUsage[]> {
  const { cacheDir, roots } = layout;
  const top = await partsOf(cacheDir, '.', '');
  const parts = [
    ...(await partsOf(join(cacheDir, 'pkgCache'), 'packages', 'packages/')),
    ...top.filter(([area]) => area === 'imageCache').map(([, root]) => ['images', root] as const),
    ...top.filter(([area]) => area === '.'),
    ...(await Promise.all(roots.map((root) => partsOf(root, '.ict', '')))).flat(),
  ];
  return measureParts(parts, unseen);
}

/** Likewise, of what builds keep in a work directory, by provider and kind: the base tree, its snapshot, what was delivered. */
export async function measureWorkspace(workDir: string, unseen: Unseen): Promise<readonly AreaUsage[]> {
  const providers = (await partsOf(workDir, '.', '')).filter(([name]) => name === '.' || !name.startsWith('.'));
  return measureParts((await Promise.all(providers.map(([name, root]) => partsOf(root, name, `${name}/`)))).flat(), unseen);
}

async function measureParts(parts: readonly (readonly [area: string, root: string])[], unseen: Unseen): Promise<readonly AreaUsage[]> {
  const usage: AreaUsage[] = [];
  const linked = new Set<string>();
  for (const [area, root] of parts) usage.push(await measure(area, root, linked, unseen));
  return usage;
}
