import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCache, type Cache } from '@ict/cache';
import type { LayerRef } from '@ict/plugin-api';
import type { LayerManifest } from '@ict/sandbox';
import { CachedLayers } from '../../src/trees/cached-layers.js';
import { manifestOf, oneFileSandbox } from '../support/one-file-tree.js';

let place: string;
let cache: Cache;
let shelf: CachedLayers;
let layer: LayerRef;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-layers-'));
  cache = await openCache({ cacheDir: place, clock: () => 1000 });
  shelf = new CachedLayers(cache.layers);
  const staged = await shelf.stage();
  await writeFile(join(staged.directory, 'content'), 'tree');
  ({ layer } = await shelf.publish(staged, await manifestOf(staged.directory), (directory) => oneFileSandbox.statLayer(directory)));
});
afterEach(() => rm(place, { recursive: true }));

/** Rewrites a document that lies beside the layer's files. */
async function alter(name: 'manifest.json' | 'signature.json', change: (text: string) => string): Promise<void> {
  const file = join((await cache.layers.get(layer.digest))?.directory as string, name);
  const text = change(await readFile(file, 'utf8'));
  await chmod(file, 0o644);
  await writeFile(file, text);
}

const olderEntries = (text: string): string => {
  const listing = JSON.parse(text) as LayerManifest;
  return JSON.stringify({ ...listing, entries: listing.entries.map((entry) => ({ ...entry, mtimeSeconds: 2 })) });
};

it('a layer is found with its listing', async () => {
  expect((await shelf.find(layer))?.manifest.entries).toMatchObject([{ path: '/content' }]);
});

it.each<[string, 'manifest.json' | 'signature.json', (text: string) => string]>([
  ['says something else of a file, under the right digest', 'manifest.json', olderEntries],
  ['has no entries', 'manifest.json', () => JSON.stringify({ digest: layer.digest })],
  ['is not JSON', 'manifest.json', (text) => text.slice(0, -1)],
  ['has a signature that is not JSON', 'signature.json', () => ''],
])('a layer whose listing %s is none, and goes', async (_what, name, change) => {
  await alter(name, change);
  expect(await shelf.find(layer)).toBeUndefined();
  expect(await cache.layers.get(layer.digest)).toBeUndefined();
});

it('a listing that was altered shows also where an earlier version noted nothing of it, and one that was not is taken', async () => {
  await alter('signature.json', (text) => JSON.stringify({ ...(JSON.parse(text) as object), listing: undefined }));
  expect(await shelf.find(layer)).toBeDefined();
  await alter('manifest.json', olderEntries);
  expect(await shelf.find(layer)).toBeUndefined();
});

it('a new signature vouches for the same listing', async () => {
  await shelf.resign(layer, { digest: layer.digest, entries: 7 });
  expect((await shelf.find(layer))?.signature).toMatchObject({ entries: 7 });
  await alter('manifest.json', olderEntries);
  expect(await shelf.find(layer)).toBeUndefined();
});
