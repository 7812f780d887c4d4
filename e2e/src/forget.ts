import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildPlaces } from './real-build.js';

/** Makes a build ask for the metadata of repositories again, and for the image; packages, trees and layers stay. */
export async function forgetMetadata({ cache }: BuildPlaces): Promise<void> {
  await remove(cache, 'imageCache', '.ict/fetch', '.ict/memo');
}

/** {@link forgetMetadata}, and removes the packages; trees and layers stay. */
export async function forgetPackages(places: BuildPlaces): Promise<void> {
  await forgetMetadata(places);
  await remove(places.cache, 'pkgCache', '.ict/index/packages');
}

/** Removes every tree and image; packages stay. */
export async function forgetTrees(places: BuildPlaces): Promise<void> {
  await forgetUponBase(places);
  await remove(places.cache, '.ict/index/steps');
  await rm(places.work, { recursive: true, force: true });
}

/** Removes what was made out of the base tree, which stays: everything in the image, and the disk; the texts of indexes, too, which are blobs. */
export async function forgetUponBase({ cache }: BuildPlaces): Promise<void> {
  await remove(cache, 'imageCache', '.ict/layers', '.ict/blobs', '.ict/index/blobs');
  const steps = join(cache, '.ict', 'index', 'steps');
  const types = await readdir(steps).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  await remove(steps, ...types.filter((type) => type !== 'ict.base'));
}

/** Removes disks and images alone. */
export async function forgetDisk({ cache }: BuildPlaces): Promise<void> {
  await remove(cache, 'imageCache', '.ict/index/steps/disk.assemble');
}

/** Sets every use of a cache back, as if so much time had passed since. */
export async function ageUses(cache: string, seconds: number): Promise<void> {
  const used = join(cache, '.ict', 'used');
  for (const name of await readdir(used, { recursive: true })) {
    if (!name.endsWith('.log')) continue;
    const uses = await readFile(join(used, name), 'utf8');
    await writeFile(
      join(used, name),
      uses.replace(/^\d+/gm, (time) => String(Number(time) - seconds)),
    );
  }
}

async function remove(directory: string, ...parts: readonly string[]): Promise<void> {
  for (const part of parts) await rm(join(directory, part), { recursive: true, force: true });
}
