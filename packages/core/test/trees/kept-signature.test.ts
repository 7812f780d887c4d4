import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache, type Cache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type { LayerRef } from '@ict/plugin-api';
import type { Sandbox } from '@ict/sandbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BaseTree } from '../../src/trees/base-tree.js';
import { CachedLayers } from '../../src/trees/cached-layers.js';
import { signedElsewhere, signedNow } from '../../src/trees/kept-signature.js';
import type { LayerShelf } from '../../src/trees/layer-shelf.js';
import { LazySandbox, SandboxTrees } from '../../src/trees/trees.js';
import { withoutDamagedLayers } from '../../src/without-damaged-layers.js';
import { manifestOf, oneFileSandbox } from '../support/one-file-tree.js';

const ANOTHER_RUN = '00000000-0000-4000-8000-000000000000';
const ZEROS = '\0\0\0\0';

let place: string;
let cache: Cache;
let sandbox: Sandbox;
let hashed: number;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-signatures-'));
  cache = await openCache({ cacheDir: join(place, 'cache'), clock: () => 1000 });
  hashed = 0;
  // What a crash leaves of a file that was not flushed is the size, and the times, but not the content.
  const stat = async (directory: string) => ({ digest: digestOf(`${(await readFile(join(directory, 'content'))).length}`), entries: 1 });
  const verifyLayer: Sandbox['verifyLayer'] = async (directory, manifest, { mode, signature }) => {
    if (mode === 'full') hashed += 1;
    const now = mode === 'full' ? (await manifestOf(directory)).digest : (await stat(directory)).digest;
    const ok = now === (mode === 'full' ? manifest.digest : signature);
    return { ok, changed: ok ? [] : ['/content'] };
  };
  const openTree = async ({ upper }: { readonly upper?: { readonly directory: string } }) => ({
    write: async () => writeFile(join(upper?.directory ?? '', 'content'), 'tree'),
    close: async () => undefined,
  });
  sandbox = { ...oneFileSandbox, statLayer: stat, sealLayer: oneFileSandbox.readLayer, verifyLayer, openTree } as unknown as Sandbox;
});
afterEach(() => rm(place, { recursive: true }));

/** Where layers may lie: how a shelf is opened, and where the content of the layer and what was signed of it are. */
const shelves: Readonly<Record<string, () => { readonly shelf: LayerShelf; file(layer: LayerRef, name: 'content' | 'record'): string }>> = {
  'in the cache': () => {
    const layers = join(place, 'cache/.ict/layers');
    return {
      shelf: new CachedLayers(cache.layers),
      file: ({ digest }, name) => join(layers, digest.slice('sha256:'.length), name === 'content' ? 'fs/content' : 'signature.json'),
    };
  },
  'as the base tree': () => {
    const directory = join(place, 'work');
    return {
      shelf: new BaseTree(directory, new CachedLayers(cache.layers), new LazySandbox(async () => sandbox)),
      file: (_layer, name) => join(directory, name === 'content' ? 'chrootenv/content' : 'chrootenv.json'),
    };
  },
};

function build(shelf: LayerShelf): SandboxTrees {
  return new SandboxTrees(new LazySandbox(async () => sandbox), shelf, shelf, {
    times: { epochSeconds: 1 },
    verify: 'signature',
    signal: new AbortController().signal,
  });
}

const make = (shelf: LayerShelf): Promise<LayerRef> =>
  build(shelf).change({ layers: [] }, (tree) => tree.write('/content', new Uint8Array()));

/** As if the machine had started since the layer was signed. */
async function restart(record: string): Promise<void> {
  const text = await readFile(record, 'utf8');
  const restarted = text.replace(/"boot":"[^"]*"/, `"boot":"${ANOTHER_RUN}"`);
  expect(restarted).not.toBe(text);
  await writeFile(record, restarted);
}

describe.each(Object.keys(shelves))('a layer that lies %s', (where) => {
  const open = () => (shelves[where] as () => ReturnType<(typeof shelves)[string]>)();

  it('is believed by its signature while the machine runs', async () => {
    const { shelf } = open();
    const layer = await make(shelf);
    await build(open().shelf).directories({ layers: [layer] });
    expect(hashed).toBe(0);
  });

  it('is read once after the machine has started, and never again', async () => {
    const { shelf, file } = open();
    const layer = await make(shelf);
    await restart(file(layer, 'record'));
    for (let builds = 0; builds < 3; builds += 1) await build(open().shelf).directories({ layers: [layer] });
    expect(hashed).toBe(1);
    expect(await readFile(file(layer, 'record'), 'utf8')).not.toContain('"boot"');
  });

  it('counts as unflushed again when it was touched', async () => {
    const { shelf, file } = open();
    const layer = await make(shelf);
    const record = file(layer, 'record');
    await writeFile(record, (await readFile(record, 'utf8')).replace(digestOf('4'), digestOf('5')));
    await restart(record);
    await build(open().shelf).directories({ layers: [layer] });
    expect(hashed).toBe(1);
    await restart(record);
    await build(open().shelf).directories({ layers: [layer] });
    expect(hashed).toBe(2);
  });

  it.each([
    ['zeros', ZEROS],
    ['nothing', ''],
    ['a part', 'tr'],
  ])('is made anew when a crash left %s of a file', async (_what, left) => {
    const { shelf, file } = open();
    const layer = await make(shelf);
    await writeFile(file(layer, 'content'), left);
    await restart(file(layer, 'record'));
    const warned: string[] = [];
    const used = await withoutDamagedLayers(
      async () => {
        const again = open().shelf;
        if (!(await again.has(layer))) await make(again);
        const [directory = ''] = await build(again).directories({ layers: [layer] });
        return readFile(join(directory, 'content'), 'utf8');
      },
      (reports) => warned.push(...reports.map(({ code }) => code)),
    );
    expect(used).toBe('tree');
    expect(warned).toEqual(['ICT_LAYER_DAMAGED']);
  });

  it.each(['null', '7', '{}', '{"digest":7}', `{"digest":"${digestOf('4')}","boot":7}`])(
    'is not believed when %s is what was signed of it',
    async (signature) => {
      const { shelf, file } = open();
      const layer = await make(shelf);
      const record = file(layer, 'record');
      const live = (await readFile(record, 'utf8')).replace(/"signature":.*,"user"/, `"signature":${signature},"user"`);
      await writeFile(record, where === 'in the cache' ? signature : live);
      await writeFile(file(layer, 'content'), 'else');
      const found = await open().shelf.find(layer);
      expect(found === undefined ? 'tree' : await readFile(join(found.directory, 'content'), 'utf8')).toBe('tree');
    },
  );
});

it('a layer that is moved stays signed in the run in which it was, or read back', () => {
  const signature = { digest: digestOf('4'), entries: 1 };
  const moved = signedNow({ ...signature, digest: digestOf('5') });
  expect(moved.boot).toBeDefined();
  expect(signedElsewhere(signature, moved)).toEqual({ ...signature, digest: digestOf('5') });
  expect(signedElsewhere({ ...signature, boot: ANOTHER_RUN }, moved)).toEqual({ ...moved, boot: ANOTHER_RUN });
});

it('of a read-only cache, what its machine did in the meantime is not asked', async () => {
  const { shelf, file } = shelves['in the cache']!();
  const layer = await make(shelf);
  await restart(file(layer, 'record'));
  const borrower = await openCache({ cacheDir: join(place, 'own'), clock: () => 1000, readOnlyDirs: [join(place, 'cache')] });
  await build(new CachedLayers(borrower.layers)).directories({ layers: [layer] });
  expect(hashed).toBe(0);
});
