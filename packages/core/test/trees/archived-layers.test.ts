import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache, type Cache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type { LayerRef } from '@ict/plugin-api';
import { layerRef } from '@ict/sandbox';
import { ArchivedLayers } from '../../src/trees/archived-layers.js';
import { CachedLayers } from '../../src/trees/cached-layers.js';
import { LazySandbox } from '../../src/trees/trees.js';
import { manifestOf, oneFileSandbox } from '../support/one-file-tree.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-archives-'));
});
afterEach(() => rm(place, { recursive: true }));

interface Machine {
  readonly cache: Cache;
  readonly shelf: ArchivedLayers;
}

/** A machine with a cache directory; with `trees`, it keeps trees there instead. */
async function machine(cacheDir: string, trees?: string, readOnlyDirs: readonly string[] = []): Promise<Machine> {
  const treesDir = trees === undefined ? {} : { treesDir: join(place, trees) };
  const cache = await openCache({ cacheDir: join(place, cacheDir), clock: () => 1000, readOnlyDirs, ...treesDir });
  return { cache, shelf: new ArchivedLayers(new CachedLayers(cache.layers), cache, new LazySandbox(async () => oneFileSandbox), 'ict 1') };
}

async function make({ shelf }: Machine, content: string): Promise<LayerRef> {
  const staged = await shelf.stage();
  await writeFile(join(staged.directory, 'content'), content);
  const archive = shelf.archivePlace(staged);
  if (archive !== undefined) await writeFile(archive, content);
  return (await shelf.publish(staged, await manifestOf(staged.directory), (directory) => oneFileSandbox.statLayer(directory), archive))
    .layer;
}

async function contentOf({ shelf }: Machine, layer: LayerRef): Promise<string | undefined> {
  const found = await shelf.find(layer);
  return found && readFileSync(join(found.directory, 'content'), 'utf8');
}

describe('layers of a cache whose trees lie elsewhere', () => {
  it('are had by other machines that share it, and unpacked once', async () => {
    const layer = await make(await machine('shared', 'one'), 'tree');
    const other = await machine('shared', 'two');
    expect(await other.shelf.has(layer)).toBe(true);
    expect(await contentOf(other, layer)).toBe('tree');
    await rm(join(place, 'shared'), { recursive: true });
    expect(await contentOf(await machine('shared', 'two'), layer)).toBe('tree');
    expect(await (await machine('shared', 'three')).shelf.has(layer)).toBe(false);
  });

  it('are had by a cache that only reads it, whose own layers need no archive', async () => {
    const layer = await make(await machine('shared', 'one'), 'tree');
    const reader = await machine('own', undefined, [join(place, 'shared')]);
    expect(await contentOf(reader, layer)).toBe('tree');
    await make(reader, 'its own');
    expect(existsSync(join(place, 'own/.ict/index/steps'))).toBe(false);
  });

  it('stay for others while one machine uses its own tree: the use of the archive is noted', async () => {
    const one = await machine('shared', 'one');
    const layer = await make(one, 'tree');
    expect(await one.shelf.has(layer)).toBe(true);
    const used = await one.cache.clean(({ kind }) => kind === 'step' || kind === 'blob');
    expect(used).toMatchObject({ removed: [], pinned: 2 });
  });

  it.each(['no archive', 'another tree'])('are missed when their archive holds %s', async (content) => {
    const layer = await make(await machine('shared', 'one'), 'tree');
    const other = await machine('shared', 'two');
    const wrong = await other.cache.blobs.putBytes(Buffer.from(content));
    await other.cache.steps.put('ict.layer-archive', { layer: layer.digest }, { ...wrong }, 'someone');
    expect(await other.shelf.has(layer)).toBe(true);
    expect(await other.shelf.find(layer)).toBeUndefined();
    expect(await other.shelf.has(layer)).toBe(false);
    expect(await (await machine('shared', 'three')).shelf.has(layer)).toBe(false);
    expect(await make(other, 'tree')).toEqual(layer);
    expect(await contentOf(await machine('shared', 'four'), layer)).toBe('tree');
  });

  it('are missed when their archive is damaged, which is taken away', async () => {
    const layer = await make(await machine('shared', 'one'), 'tree');
    const other = await machine('shared', 'two');
    const file = (await other.cache.blobs.path(digestOf('tree'))) as string;
    await chmod(file, 0o644);
    await writeFile(file, 'eert');
    expect(await other.shelf.find(layer)).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });
});

it('a base tree that is kept in the work directory leaves an archive, too', async () => {
  const one = await machine('shared', 'one');
  const archive = join(place, 'snapshot');
  await writeFile(archive, 'base');
  const tree = join(place, 'tree');
  await cp(archive, join(tree, 'content'));
  const layer = layerRef(await manifestOf(tree));
  await one.shelf.keepArchive(layer, archive);
  expect(await contentOf(await machine('shared', 'two'), layer)).toBe('base');
});
