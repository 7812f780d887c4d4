import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryName } from '@ict/integrity';
import type { Sandbox } from '@ict/sandbox';
import { BaseTree } from '../../src/trees/base-tree.js';
import type { StoredLayer } from '../../src/trees/layer-shelf.js';
import { checkSnapshot } from '../../src/trees/tree-check.js';
import { LazySandbox, SandboxTrees } from '../../src/trees/trees.js';
import { baseTreePlace, type Workshop } from '../support/base-tree-place.js';
import { manifestOf, oneFileSandbox } from '../support/one-file-tree.js';

const { at, workshop, alterListing, lister } = baseTreePlace();

const asLink = (path: string) => symlink(path, path);
const asDirectory = (path: string) => mkdir(join(path, 'in'), { recursive: true });
const asFile = (path: string) => writeFile(path, 'rubbish');
const asFifo = async (path: string) => execFileSync('mkfifo', [path]);
const asDevice = (path: string) => symlink('/dev/zero', path);

async function alteredBefore({ make }: Workshop): Promise<void> {
  await alterListing();
  await make('two');
}

describe('a base tree', () => {
  it.each<[string, (shop: Workshop) => Promise<unknown>, string]>([
    ['its live tree first', async () => undefined, 'live: one'],
    ['its snapshot when the live tree is gone', () => rm(join(at.work, 'chrootenv'), { recursive: true }), 'live: one'],
    ['its snapshot when nothing says what the live tree is', () => writeFile(join(at.work, 'chrootenv.json'), 'rubbish'), 'live: one'],
    ...['null', '{ "digest": "sha256:00" }', '{ "digest": "sha256:00", "entries": [null] }'].map(
      (manifest): [string, () => Promise<unknown>, string] => [
        `its snapshot when the listing of the live tree is ${manifest}`,
        () => writeFile(join(at.work, 'chrootenv.json'), `{ "manifest": ${manifest}, "signature": {}, "user": 0 }`),
        'live: one',
      ],
    ),
    ['its snapshot when the listing of the live tree was altered', () => alterListing(), 'live: one'],
    ['nothing when the listing was altered before another took its place', alteredBefore, 'nowhere'],
    ['the cache once another tree took its place', ({ make }) => make('two'), 'cache: one'],
    [
      'nothing when another took its place and the cache lost it',
      async ({ make, shelf }) => {
        await make('two');
        shelf.layers.clear();
      },
      'nowhere',
    ],
    [
      'nothing when live tree and snapshot are gone',
      async () => {
        await rm(join(at.work, 'chrootenv'), { recursive: true });
        await rm(join(at.work, 'chrootbuild'), { recursive: true });
      },
      'nowhere',
    ],
    [
      'nothing when the snapshot holds something else, whatever its record says',
      async ({ base }) => {
        await rm(join(at.work, 'chrootenv'), { recursive: true });
        await appendFile(base.snapshot, ', forged');
      },
      'nowhere',
    ],
    [
      'nothing when the snapshot is a FIFO, and the record of the live tree, too',
      async ({ base }) => {
        for (const path of [base.snapshot, join(at.work, 'chrootenv.json')]) {
          await rm(path);
          await asFifo(path);
        }
      },
      'nowhere',
    ],
    [
      'nothing when the snapshot is damaged',
      async ({ base }) => {
        await rm(join(at.work, 'chrootenv'), { recursive: true });
        await writeFile(base.snapshot, 'no archive');
      },
      'nowhere',
    ],
  ])('is found in %s', async (_where, happen, expected) => {
    const shop = workshop();
    const layer = await shop.make('one');
    await happen(shop);
    expect(await shop.lies(layer)).toBe(expected);
  });

  it('of another user is none, whose files have other owners: its snapshot takes its place, and it waits aside for that user', async () => {
    const { base, make, lies } = workshop();
    const layer = await make('one');
    const anotherUser = vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000_000);
    try {
      expect(await base.has(layer)).toBe(true);
      await base.find(layer);
    } finally {
      anotherUser.mockRestore();
    }
    expect(await lies(layer)).toBe('live: one');
    const [aside = ''] = (await readdir(at.work)).filter((name) => name.startsWith('.stage-'));
    expect(await readFile(join(at.work, aside, 'content'), 'utf8')).toBe('one');
  });

  it('is not looked for twice in a snapshot that turned out to be another', async () => {
    const { base, make, lies } = workshop();
    const layer = await make('one');
    await rm(join(at.work, 'chrootenv'), { recursive: true });
    await writeFile(base.snapshot, 'forged');
    expect(await base.has(layer)).toBe(true);
    expect(await lies(layer)).toBe('nowhere');
    expect(await base.has(layer)).toBe(false);
  });

  it('is not looked for where the system lets nothing be read, of which it tells once', async () => {
    const [file, looped, other] = ['file', 'looped', 'other'].map((name) => join(at.place, name)) as [string, string, string];
    await writeFile(file, '');
    await symlink(looped, looped);
    await mkdir(other);
    const layer = await workshop(other).make('two');
    const told: string[] = [];
    const { base } = workshop(
      at.work,
      [file, looped, other],
      (what, directory, reason) => void told.push(`${what}: ${directory} ${reason}`),
    );
    expect(await base.has(layer)).toBe(true);
    expect(await base.has(layer)).toBe(true);
    expect(told).toEqual([`the snapshot: ${join(file, 'chrootbuild')} ENOTDIR`, `the snapshot: ${join(looped, 'chrootbuild')} ELOOP`]);
  });

  it.each<[string, string, (path: string) => Promise<unknown>]>([
    ['chrootenv.json', 'a directory', asDirectory],
    ['chrootenv.json', 'a link to itself', asLink],
    ['chrootenv', 'a file', asFile],
    ['chrootenv', 'a link to itself', asLink],
    ['chrootbuild', 'a file', asFile],
    ['chrootbuild', 'a link to itself', asLink],
    ['chrootbuild/chrootenv.json', 'a directory', asDirectory],
    ['chrootbuild/chrootenv.json', 'a link to itself', asLink],
    ['chrootbuild/chrootenv.tar.gz', 'a directory', asDirectory],
    ['chrootbuild/chrootenv.tar.gz', 'a link to itself', asLink],
    ...['chrootenv.json', 'chrootenv', 'chrootbuild', 'chrootbuild/chrootenv.json', 'chrootbuild/chrootenv.tar.gz'].flatMap(
      (name): [string, string, (path: string) => Promise<unknown>][] => [
        [name, 'a FIFO', asFifo],
        [name, 'a link to a device that never ends', asDevice],
      ],
    ),
  ])('is found, and made, where %s became %s', async (name, _what, become) => {
    const { base, make, lies } = workshop();
    const layer = await make('one');
    await rm(join(at.work, name), { recursive: true });
    await become(join(at.work, name));
    await BaseTree.removeLeftovers(at.work, (path) => rm(path, { recursive: true }));
    expect(await base.has(layer)).toBe(true);
    expect(await lies(layer)).toBe('live: one');
    expect(await lies(await make('two'))).toBe('live: two');
    expect(await checkSnapshot(at.work, lister, new AbortController().signal)).toBe('sound');
  });

  it('makes room by moving the tree that lies there to the cache, so that switching back finds it', async () => {
    const { base, shelf, make, lies } = workshop();
    const [one, two] = [await make('one'), await make('two')];
    expect([...shelf.layers.keys()]).toEqual([one.digest]);
    expect([await lies(one), await lies(two)]).toEqual(['cache: one', 'live: two']);
    expect(await base.has(one)).toBe(true);
  });

  it.each<[string, (live: string) => Promise<unknown>, boolean]>([
    ['goes on when nothing touched it', async () => undefined, true],
    [
      'is not made anew when it was changed, so that the next look at it finds that',
      (live) => writeFile(join(live, 'content'), 'six'),
      false,
    ],
  ])('has a signature in the cache that %s', async (_what, touch, valid) => {
    const { shelf, make } = workshop();
    const one = await make('one');
    await touch(join(at.work, 'chrootenv'));
    await make('two');
    const { directory, signature } = (await shelf.find(one)) as StoredLayer;
    expect(signature.digest === (await oneFileSandbox.statLayer(directory)).digest).toBe(valid);
  });

  it('is compared when something changed it before another one took its place, in the build that made both', async () => {
    const { base, shelf } = workshop();
    const openTree = async ({ upper }: { readonly upper: { readonly directory: string } }) => ({
      write: (_path: string, content: Uint8Array) => writeFile(join(upper.directory, 'content'), content),
      close: async () => undefined,
    });
    const sandbox = { ...oneFileSandbox, sealLayer: oneFileSandbox.readLayer, openTree } as unknown as Sandbox;
    const { signal } = new AbortController();
    const trees = new SandboxTrees(new LazySandbox(async () => sandbox), base, shelf, {
      times: { epochSeconds: 1 },
      verify: 'signature',
      signal,
    });
    const make = (content: string) => trees.change({ layers: [] }, (tree) => tree.write('/content', Buffer.from(content)), { shelf: base });
    const one = await make('one');
    await writeFile(join(at.work, 'chrootenv/content'), 'six');
    await make('two');
    await expect(trees.directories({ layers: [one] })).rejects.toMatchObject({ code: 'ICT_LAYER_DAMAGED' });
  });

  it('keeps its place when a step makes another layer, which goes to the cache', async () => {
    const { base, shelf, make, lies } = workshop();
    const one = await make('one');
    let staged = '';
    const opening = {
      ...oneFileSandbox,
      openTree: async ({ upper }: { readonly upper: { readonly directory: string } }) => {
        staged = upper.directory;
        return { close: async () => undefined };
      },
      verifyLayer: async () => ({ ok: true, changed: [] }),
    } as unknown as Sandbox;
    const signal = new AbortController().signal;
    const trees = new SandboxTrees(new LazySandbox(async () => opening), base, shelf, {
      times: { epochSeconds: 1 },
      verify: 'signature',
      signal,
    });
    const tools = await trees.change({ layers: [] }, () => writeFile(join(staged, 'content'), 'tools'));
    expect(await lies(tools)).toBe('cache: tools');
    expect(await trees.directories({ layers: [one, tools] })).toEqual([join(at.work, 'chrootenv'), (await shelf.find(tools))?.directory]);
    await make('two');
    expect(await lies(tools)).toBe('cache: tools');
  });

  it('is not promised to stay where it is published: the next one takes its place', async () => {
    const { base } = workshop();
    const staged = await base.stage();
    await writeFile(join(staged.directory, 'content'), 'one');
    const manifest = await manifestOf(staged.directory);
    const signature = await oneFileSandbox.statLayer(staged.directory);
    const published = await base.publish(staged, manifest, (directory) => oneFileSandbox.statLayer(directory));
    expect(published).toMatchObject({ directory: join(at.work, 'chrootenv'), signature });
  });

  it('throws a live tree away that nothing vouches for, when another needs its place', async () => {
    const { shelf, make, lies } = workshop();
    const one = await make('one');
    await writeFile(join(at.work, 'chrootenv.json'), '{}');
    const two = await make('two');
    expect([await lies(one), await lies(two)]).toEqual(['nowhere', 'live: two']);
    expect(shelf.layers.size).toBe(0);
  });

  it('is dropped from where it lies, and only there', async () => {
    const { base, make, lies } = workshop();
    const [one, two] = [await make('one'), await make('two')];
    await base.drop(one);
    expect([await lies(one), await lies(two)]).toEqual(['nowhere', 'live: two']);
    await base.drop(two);
    expect(existsSync(join(at.work, 'chrootenv'))).toBe(false);
    // The snapshot is of this tree, and takes its place.
    expect(await lies(two)).toBe('live: two');
  });

  it('loses what a killed build staged', async () => {
    const { base } = workshop();
    const { root } = await base.stage();
    const records = [join(at.work, temporaryName()), join(at.work, 'chrootbuild', temporaryName())];
    for (const record of records) writeFileSync(record, '{');
    const removed: string[] = [];
    await BaseTree.removeLeftovers(at.work, async (path) => removed.push(path));
    expect(removed.sort()).toEqual([root, ...records].sort());
  });
});
