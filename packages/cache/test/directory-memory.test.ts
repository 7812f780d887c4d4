import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Memo } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAtFiles, type DirectoryFiles } from '../src/directory-files.js';
import { recallDirectories, type DirectoryMemory } from '../src/directory-memory.js';
import { eachEntry, type CacheEntry } from '../src/inventory.js';
import { openLayout, type Layout } from '../src/layout.js';
import { refuseUnread } from '../src/unread.js';
import { createMemo } from '../src/memo-store.js';
import { currentOwner } from '../src/process-owner.js';
import { makeCacheRig, provider, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let layout: Layout;
let memo: Memo;
/** The one place whose directories are remembered, and a directory of it that has many files. */
let place: string;
let many: string;

const HOUR_MS = 3_600_000;
const MANY = 20;
/** When everything that the test made has long been as it is. */
const later = async (): Promise<number> => Date.now() + HOUR_MS;

beforeEach(async () => {
  rig = makeCacheRig();
  layout = await openLayout(rig.cacheDir, currentOwner());
  memo = createMemo({ layout, clock: () => rig.time, emit: (event) => rig.events.push(event) });
  place = join(rig.cacheDir, 'pkgCache');
  many = join(place, provider);
  mkdirSync(many, { recursive: true });
  for (let file = 0; file < MANY; file++) writeFileSync(join(many, `package-${file}.deb`), 'x');
});
afterEach(() => rig.close());

/** With the names as a list, however they are kept. */
const plain = ({ names, allocatedBytes, changedAt }: DirectoryFiles): DirectoryFiles => ({
  names: Array.from({ length: names.length }, (_none, at) => names.at(at) as string),
  allocatedBytes,
  changedAt,
});

const recall = (time = later): Promise<DirectoryMemory> => recallDirectories(layout, memo, { places: [place], time, manyFiles: MANY });

async function lookAndKeep(time = later, directory = many): Promise<DirectoryFiles> {
  const memory = await recall(time);
  const found = memory.look(directory, refuseUnread);
  await memory.keep();
  return plain(found);
}

function now(directory = many): DirectoryFiles {
  return plain(lookAtFiles(directory, refuseUnread));
}

/** Writes on into a file, which no part of the cache does, and which its directory does not show: only a new look at the file does. */
const grow = (name = 'package-7.deb', directory = many): void => appendFileSync(join(directory, name), Buffer.alloc(100_000));
const memories = (): string[] => {
  const root = join(layout.area('memo'), 'directory');
  return rig.list('.ict/memo/directory').flatMap((shard) => readdirSync(join(root, shard)).map((name) => join(root, shard, name)));
};

describe('what was seen in directories', () => {
  it('is what is there, and is not looked at again while the directory is as it was', async () => {
    const first = await lookAndKeep();
    expect(first).toEqual(now());
    grow();
    expect(plain((await recall()).look(many, refuseUnread))).toEqual(first);
    expect(now()).not.toEqual(first);
  });

  it.each<[string, () => void]>([
    ['added', () => writeFileSync(join(many, 'new.deb'), 'x')],
    ['removed', () => rmSync(join(many, 'package-7.deb'))],
    [
      'replaced by another one, by rename',
      () => {
        const other = join(rig.cacheDir, 'other');
        writeFileSync(other, Buffer.alloc(200_000));
        renameSync(other, join(many, 'package-7.deb'));
      },
    ],
    [
      'put where the directory was, with all others',
      () => {
        renameSync(many, `${many}-old`);
        mkdirSync(many);
        writeFileSync(join(many, 'package-7.deb'), 'x');
      },
    ],
  ])('shows at once that a file was %s', async (_how, change) => {
    const before = await lookAndKeep();
    change();
    const after = plain((await recall()).look(many, refuseUnread));
    expect(after).toEqual(now());
    expect(after).not.toEqual(before);
  });

  it('is not remembered while the clock could hide a change', async () => {
    await lookAndKeep(async () => Date.now());
    expect(memories()).toEqual([]);
    await lookAndKeep(async () => Infinity); // as when the file system cannot be asked
    expect(memories()).toEqual([]);
    // By the file system's clock, not by this machine's, and as of the moment before it was looked at.
    await lookAndKeep(async () => Date.now() + 30_000);
    expect(memories()).toEqual([]);
    await lookAndKeep(async () => Date.now() + 200_000);
    expect(memories()).toHaveLength(1);
  });

  it('is not remembered of few files, nor of a directory in which directories lie', async () => {
    const few = join(place, 'few');
    mkdirSync(few);
    writeFileSync(join(few, 'one.deb'), 'x');
    await lookAndKeep(later, few);
    expect(memories()).toEqual([]);
    mkdirSync(join(many, 'directory'));
    await lookAndKeep();
    expect(memories()).toEqual([]);
  });

  it.each<[string, (text: string) => string]>([
    ['cut off', (text) => text.slice(0, 100)],
    ['changed', (text) => text.replace('package-7.deb', 'package-8.deb')],
    ['empty', () => ''],
  ])('is looked at again when the memory is %s', async (_how, damage) => {
    await lookAndKeep();
    const [file] = memories() as [string];
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    grow();
    expect(plain((await recall()).look(many, refuseUnread))).toEqual(now());
  });

  it.each([
    ['a list', []],
    ['no columns', {}],
    ['columns of unlike lengths', { names: 'a/b', allocatedBytes: [1], changedAt: [1] }],
    ['texts for sizes', { names: 'a', allocatedBytes: ['1'], changedAt: [1] }],
  ])('is looked at again when the memory has %s', async (_what, value) => {
    const { ino, mtimeNs, ctimeNs } = statSync(many, { bigint: true });
    const identity = { ino: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
    await memo.set('directory', 'pkgCache', Array.isArray(value) ? value : { [provider]: { ...identity, ...value } });
    expect(plain((await recall()).look(many, refuseUnread))).toEqual(now());
  });

  it('is written by nobody to whom the memory does not belong', async () => {
    renameSync(layout.area('memo'), join(rig.cacheDir, 'elsewhere'));
    symlinkSync(join(rig.cacheDir, 'elsewhere'), layout.area('memo'));
    await lookAndKeep();
    expect(readdirSync(join(rig.cacheDir, 'elsewhere'))).toEqual([]);
  });

  it('is right when many look, change and remember at once', async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_none, turn) => {
        const memory = await recall();
        memory.look(many, refuseUnread);
        writeFileSync(join(many, `new-${turn}.deb`), 'x');
        await memory.keep();
      }),
    );
    expect(plain((await recall()).look(many, refuseUnread))).toEqual(now());
    expect(rig.warnings()).toEqual([]);
  });

  it('is only ever shown: what is used or removed is looked at', async () => {
    const cache = await rig.open();
    const sizes = (entries: Awaited<ReturnType<typeof cache.entries>>): number => entries.reduce((sum, one) => sum + one.allocatedBytes, 0);
    const before = sizes(await cache.entries(['package']));
    await lookAndKeep();
    grow();
    const shown = async (): Promise<CacheEntry[]> => Array.from(eachEntry(await cache.entriesToShow(['package'], refuseUnread)));
    expect(sizes(await shown())).toBe(before);
    expect(sizes(await cache.entries(['package']))).toBeGreaterThan(before);
    expect((await cache.clean(({ name }) => name === 'package-7.deb')).freedBytes).toBeGreaterThan(100_000);
    expect(await shown()).toEqual(await cache.entries(['package']));
  });
});
