import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.js';
import { errnoOf } from './storage-failure.js';

/** How much lies in one part of the cache, as `du` and `find` would say. */
export interface AreaUsage {
  /** `packages/{provider-id}`, `images`, `blobs`, `layers`, ... */
  readonly area: string;
  readonly files: number;
  /** Sum of file sizes; a file with several names counts once. */
  readonly sizeBytes: number;
  /** What they take on disk, directories included: `du --block-size=1`. */
  readonly allocatedBytes: number;
  /** Directories that may not be read. */
  readonly unreadable: number;
}

async function measure(area: string, root: string): Promise<AreaUsage> {
  const seen = new Set<string>();
  const total = { files: 0, sizeBytes: 0, allocatedBytes: 0, unreadable: 0 };
  const pending = [root];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const entry = await lstat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined; // removed meanwhile
      throw error;
    });
    if (entry === undefined) continue;
    const id = `${entry.dev}:${entry.ino}`;
    if (entry.nlink > 1 && !entry.isDirectory() && seen.has(id)) continue;
    seen.add(id);
    total.allocatedBytes += entry.blocks * 512;
    if (!entry.isDirectory()) {
      total.files += 1;
      total.sizeBytes += entry.size;
      continue;
    }
    for (const name of await readdir(path).catch((error: unknown) => {
      if (errnoOf(error) === 'EACCES') total.unreadable += 1;
      else if (errnoOf(error) !== 'ENOENT') throw error;
      return [];
    })) {
      pending.push(join(path, name));
    }
  }
  return { area, ...total };
}

/** Usage by area, only of areas that exist. Reads every directory of the cache. */
export async function measureUsage(layout: Layout): Promise<readonly AreaUsage[]> {
  const names = async (directory: string): Promise<string[]> => (await readdir(directory).catch(() => [])).sort(); // absent: nothing cached yet
  const parts: (readonly [string, string])[] = [];
  for (const provider of await names(join(layout.cacheDir, 'pkgCache')))
    parts.push([`packages/${provider}`, join(layout.cacheDir, 'pkgCache', provider)]);
  if ((await names(layout.cacheDir)).includes('imageCache')) parts.push(['images', join(layout.cacheDir, 'imageCache')]);
  for (const name of await names(join(layout.cacheDir, '.ict'))) parts.push([name, join(layout.cacheDir, '.ict', name)]);
  const usage: AreaUsage[] = [];
  for (const [area, root] of parts) usage.push(await measure(area, root));
  return usage;
}
