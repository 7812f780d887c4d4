import * as fs from 'node:fs';
import type * as promises from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../src/cache.js';
import { gatherUnread, type Unread } from '../src/unread.js';
import { listWorkspace } from '../src/workspace.js';
import { endProcesses, makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

/* The disk gives nothing of one inode: the system answers EIO to whoever asks what lies at its path, or what it holds. */

const disk = vi.hoisted(() => {
  /** What cannot be looked at, and what cannot be moved. */
  const failing = { bad: undefined as string | undefined, stuck: undefined as string | undefined };
  const refuse = (name: string, given: unknown): void => {
    const path = String(given);
    if (path === failing.bad || (name === 'renameSync' && path === failing.stuck))
      throw Object.assign(new Error(`EIO: i/o error, '${path}'`), { code: 'EIO', path });
  };
  /** The functions of these names, of which the disk refuses what is asked of the bad path. */
  const wrapped = (real: object, names: readonly string[]): object =>
    Object.fromEntries(
      names.map((name) => {
        const work = (real as Record<string, (...given: readonly unknown[]) => unknown>)[name] as (...given: readonly unknown[]) => unknown;
        return [
          name,
          (path: unknown, ...more: readonly unknown[]) => {
            refuse(name, path);
            return work(path, ...more);
          },
        ];
      }),
    );
  return Object.assign(failing, { wrapped });
});

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, ...disk.wrapped(real, ['lstatSync', 'statSync', 'readdirSync', 'readFileSync', 'renameSync']) };
});

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const later = Object.entries(disk.wrapped(real, ['lstat', 'stat', 'readdir', 'readFile']));
  return { ...real, ...Object.fromEntries(later.map(([name, work]) => [name, async (...given: unknown[]) => work(...given)])) };
});

let rig: CacheRig;
let cache: Cache;
let layer: string;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
  for (const name of ['a', 'b']) await cache.packages(provider).store(packageOf(name, name), rig.file(name));
  const made = await cache.blobs.putBytes(Buffer.from('disk'));
  await cache.steps.put('acme.make', { colour: 'red' }, { blob: { ...made } } as unknown as Json, 'ict');
  const artifact = {
    name: 'x.raw',
    type: 'raw',
    digest: made.digest,
    sizeBytes: 4,
    source: (await cache.blobs.path(made.digest)) as string,
  };
  await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map() }, 'ict');
  const staged = await cache.layers.stage();
  fs.writeFileSync(join(staged.upper, 'file'), '');
  layer = (await cache.layers.publish(staged, digestOf('layer'), { manifest: '[]', signature: '{}' })).layer.directory;
});
afterEach(() => {
  disk.bad = undefined;
  disk.stuck = undefined;
  rig.close();
});

/** The first file below a directory whose name ends like this. */
const below = (directory: string, ending: string): string => {
  const root = join(rig.cacheDir, directory);
  return join(root, fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(ending)) as string);
};

describe('what the disk does not let be looked at is told by the check of the cache, which looks at all else, and stays', () => {
  it.each<[string, () => string, () => string]>([
    ['package', () => join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb'), () => disk.bad as string],
    ['blob', () => below('.ict/blobs/sha256', digestOf('disk').slice('sha256:'.length)), () => disk.bad as string],
    ['step', () => below('.ict/index/steps', '.json'), () => disk.bad as string],
    ['image', () => below('imageCache', 'x.raw'), () => dirname(disk.bad as string)],
    ['layer', () => join(layer, 'fs', 'file'), () => layer],
  ])('(%s)', async (kind, bad, told) => {
    disk.bad = bad();
    for (const repair of [false, true]) {
      const { checked, findings } = await cache.verify({ repair, checkLayer: async () => undefined });
      const unread = { problem: 'unreadable', detail: 'it cannot be read: EIO', repaired: false };
      expect(findings).toEqual([expect.objectContaining({ kind, path: told(), ...unread })]);
      expect(checked).toMatchObject({ package: kind === 'package' ? 1 : 2 });
    }
    const path = disk.bad;
    disk.bad = undefined;
    expect(fs.existsSync(path)).toBe(true);
    expect((await cache.verify({ checkLayer: async () => undefined })).findings).toEqual([]);
  });
});

it('what is damaged and cannot be moved is told as that, and stays', async () => {
  const path = join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb');
  fs.chmodSync(path, 0o644);
  fs.writeFileSync(path, 'x');
  for (const repaired of [false, true]) {
    disk.stuck = repaired ? undefined : path;
    const { findings } = await cache.verify({ repair: true, checkLayer: async () => undefined });
    expect(findings).toEqual([expect.objectContaining({ kind: 'package', path, problem: 'damaged', repaired })]);
    expect(fs.existsSync(path)).toBe(!repaired);
  }
});

/** Long enough after everything was stored that a collection may take it. */
const LATER = 100 * 86_400;

/** What lies in the cache, as names of kinds and of files or directories. */
const listed = async (): Promise<readonly string[]> => (await cache.entries(undefined, () => undefined)).map(({ kind }) => kind);

describe('what the disk does not let be looked at', () => {
  const unreadAt = (path: string): readonly Unread[] => [{ path, reason: 'EIO' }];

  it.each<[string, () => string, number]>([
    ['a package', () => join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb'), 1],
    ['the directory of the packages of a provider', () => join(rig.cacheDir, 'pkgCache', provider), 2],
    ['the directory of all packages', () => join(rig.cacheDir, 'pkgCache'), 2],
    ['the directory of a kind of step', () => join(rig.cacheDir, '.ict/index/steps/acme.make'), 1],
    ['an image', () => dirname(below('imageCache', 'x.raw')), 1],
    ['all images', () => join(rig.cacheDir, 'imageCache'), 1],
    ['a file of a layer', () => join(layer, 'fs', 'file'), 1],
  ])('is left out of lists, told, and all else is listed (%s)', async (_what, bad, left) => {
    const all = await listed();
    disk.bad = bad();
    const places = [gatherUnread(), gatherUnread()] as const;
    const entries = await cache.entries(undefined, places[0].unseen);
    const shown = await cache.entriesToShow(['package', 'blob', 'step', 'image', 'layer'], places[1].unseen);
    expect([entries.length, shown.length]).toEqual([all.length - left, all.length - left]);
    for (const { unread } of places) {
      const [first] = unread;
      expect(disk.bad.startsWith(first?.path ?? '?')).toBe(true);
      expect(unread).toEqual(unreadAt(first?.path as string));
    }
    await expect(cache.entries()).rejects.toMatchObject({ code: 'ICT_CACHE_UNREADABLE' });
  });

  it('counts for no usage of room, and is told', async () => {
    disk.bad = join(rig.cacheDir, '.ict/blobs/sha256');
    const { unread, unseen } = gatherUnread();
    const areas = await cache.usage(unseen);
    expect(unread).toEqual(unreadAt(disk.bad));
    expect(areas.filter(({ unreadable }) => unreadable > 0).map(({ area }) => area)).toEqual(['blobs']);
    expect(areas.find(({ area }) => area === `packages/${provider}`)).toMatchObject({ files: 2, unreadable: 0 });
  });

  describe('stays, and so does whatever it may refer to', () => {
    /** Another process, long after the one that made it all. */
    async function collector(): Promise<Cache> {
      endProcesses(rig);
      rig.time += LATER;
      return rig.open();
    }
    const kindsOf = ({ removed }: { readonly removed: readonly { readonly kind: string }[] }) => removed.map(({ kind }) => kind).sort();

    it.each<[string, () => string, readonly string[]]>([
      ['a package', () => join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb'), ['blob', 'image', 'layer', 'package', 'step']],
      ['all packages', () => join(rig.cacheDir, 'pkgCache'), ['blob', 'image', 'layer', 'step']],
      ['the results of a step', () => join(rig.cacheDir, '.ict/index/steps/acme.make'), ['image', 'package', 'package']],
      ['all results', () => join(rig.cacheDir, '.ict/index/steps'), ['image', 'package', 'package']],
      ['an image', () => dirname(below('imageCache', 'x.raw')), ['blob', 'layer', 'package', 'package', 'step']],
    ])('in a collection (%s)', async (_what, bad, gone) => {
      const collecting = await collector();
      disk.bad = bad();
      for (const dryRun of [true, false]) {
        const result = await collecting.collect({ unusedDays: 30, packageDays: 30 }, { dryRun });
        expect([kindsOf(result), result.unread, result.pinned]).toEqual([gone, unreadAt(disk.bad), 0]);
      }
      const path = disk.bad;
      disk.bad = undefined;
      expect(fs.existsSync(path)).toBe(true);
    });

    it('as the record of a result does that a collection would keep', async () => {
      const collecting = await collector();
      await collecting.steps.get('acme.make', { colour: 'red' }); // used now
      disk.bad = below('.ict/index/steps', '.json');
      const result = await collecting.collect({ unusedDays: 30 });
      expect([kindsOf(result), result.unread]).toEqual([['image', 'package', 'package'], unreadAt(disk.bad)]);
    });

    describe('as the twin of a package does', () => {
      const fileName = 'a_1.0-1_amd64.deb';
      beforeEach(async () => {
        const write = async (_file: string, out: string): Promise<void> => fs.writeFileSync(out, 'twin');
        const maker = { by: 'deb', version: 1, limitBytes: 2 ** 30, signal: new AbortController().signal, write };
        await cache.twins(provider, maker).obtain({ ...packageOf('a', 'a'), file: rig.file('a') });
      });

      it.each<[string, () => string]>([
        ['the package', () => join(rig.cacheDir, 'pkgCache', provider, fileName)],
        ['the packages of its provider', () => join(rig.cacheDir, 'pkgCache', provider)],
        ['all packages', () => join(rig.cacheDir, 'pkgCache')],
      ])('where %s cannot be looked at', async (_what, bad) => {
        const collecting = await collector();
        disk.bad = bad();
        const result = await collecting.collect({});
        expect([kindsOf(result), result.unread]).toEqual([[], unreadAt(disk.bad)]);
        disk.bad = undefined;
        fs.rmSync(join(rig.cacheDir, 'pkgCache', provider, fileName));
        expect(kindsOf(await collecting.collect({}))).toEqual(['twin']);
      });

      it('where a cache that is only read may have the package', async () => {
        const other = join(rig.root, 'other');
        fs.mkdirSync(other);
        fs.rmSync(join(rig.cacheDir, 'pkgCache', provider, fileName));
        endProcesses(rig);
        const collecting = await rig.open({ readOnlyDirs: [other] });
        disk.bad = join(other, 'pkgCache', provider, fileName);
        expect(kindsOf(await collecting.collect({}))).toEqual([]);
        disk.bad = undefined;
        expect(kindsOf(await collecting.collect({}))).toEqual(['twin']);
      });
    });

    it('and results, whose files could not go with them, where room is short', async () => {
      await cache.steps.put('acme.other', { colour: 'blue' }, 'blue', 'ict');
      const collecting = await collector();
      disk.bad = join(rig.cacheDir, '.ict/index/steps/acme.other');
      for (const dryRun of [true, false]) {
        const result = await collecting.collect({ totalBytes: 0 }, { dryRun });
        expect([kindsOf(result), result.unread]).toEqual([['image', 'package', 'package'], unreadAt(disk.bad)]);
      }
      disk.bad = undefined;
      expect(kindsOf(await collecting.collect({ totalBytes: 0 }))).toEqual(['blob', 'layer', 'step', 'step']);
    });

    it('when all is cleaned', async () => {
      const cleaning = await collector();
      disk.bad = join(rig.cacheDir, '.ict/blobs/sha256');
      const result = await cleaning.clean(() => true);
      expect([kindsOf(result), result.unread]).toEqual([['image', 'layer', 'package', 'package', 'step'], unreadAt(disk.bad)]);
    });

    it('when it cannot be moved, which nobody knew before', async () => {
      const cleaning = await collector();
      const entries = await cleaning.entries(['package']);
      const looked = await cleaning.clean((entry) => {
        disk.bad = entries[0]?.path; // from here on
        return entry.kind === 'package';
      });
      expect([kindsOf(looked), looked.unread, looked.pinned]).toEqual([['package'], unreadAt(disk.bad as string), 0]);
    });
  });

  it('of the journal, leaves nobody knowing what running builds use: nothing is removed', async () => {
    const day = join(rig.cacheDir, '.ict/used', rig.list('.ict/used').find((name) => name.startsWith('1970')) as string);
    for (const bad of [join(rig.cacheDir, '.ict/used'), day, join(day, fs.readdirSync(day)[0] as string)]) {
      disk.bad = bad;
      const failure = { code: 'ICT_CACHE_UNREADABLE', facts: { path: bad, reason: 'EIO' } };
      await expect(cache.collect({ unusedDays: 0, packageBytes: 0 })).rejects.toMatchObject(failure);
      await expect(cache.clean(() => true)).rejects.toMatchObject(failure);
      const { unread, unseen } = gatherUnread();
      expect(await cache.entries(['package'], unseen)).toHaveLength(2);
      expect(unread).toEqual(unreadAt(bad));
    }
    disk.bad = undefined;
    expect(await cache.entries(['package', 'image', 'step'])).toHaveLength(4);
  });

  it.each(['pkgCache', '.ict/trash', '.ict/tmp'])('keeps nobody from removing other leftovers (%s)', async (name) => {
    const [log] = fs.readdirSync(join(rig.cacheDir, '.ict/used', fs.readdirSync(join(rig.cacheDir, '.ict/used'))[0] as string));
    const owner = (log as string).slice(0, -'.log'.length).replace(/-\d+-\d+$/, '-4000000-1'); // a process that has ended
    const leftover = join(rig.cacheDir, 'imageCache', `.${owner}.0`);
    fs.writeFileSync(leftover, '');
    disk.bad = join(rig.cacheDir, name);
    expect((await cache.reap()).failed).toEqual([disk.bad]);
    expect(fs.existsSync(leftover)).toBe(false);
  });
});

describe('what the disk does not let be looked at in a work directory', () => {
  it.each<[string, (one: string) => string, string, readonly string[]]>([
    ['a file of a tree', (one) => join(one, 'chrootenv', 'file'), 'chrootenv', ['one/chrootbuild', 'two/chrootbuild']],
    ['the directory of a target', (one) => join(one, 'imagebuild'), 'imagebuild', ['one/chrootenv', 'one/chrootbuild', 'two/chrootbuild']],
  ])('is told, and all else is listed (%s)', async (_what, bad, told, left) => {
    const work = join(rig.root, 'work');
    for (const directory of ['one/chrootenv', 'one/chrootbuild', 'two/chrootbuild'])
      fs.mkdirSync(join(work, directory), { recursive: true });
    fs.writeFileSync(join(work, 'one', 'chrootenv', 'file'), '');
    disk.bad = bad(join(work, 'one'));
    const { unread, unseen } = gatherUnread();
    expect((await listWorkspace(work, unseen)).map(({ id }) => id)).toEqual(left);
    expect(unread).toEqual([{ path: join(work, 'one', told), reason: 'EIO' }]);
    disk.bad = work;
    expect(await listWorkspace(work, unseen)).toEqual([]);
    expect(unread.at(-1)).toEqual({ path: work, reason: 'EIO' });
  });
});
