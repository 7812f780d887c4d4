import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestHex, digestOf } from '@ict/integrity';
import type { Digest, Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { Collection } from '../src/collector.js';
import { occupiedBytes } from '../src/disk-room.js';
import { currentOwner } from '../src/process-owner.js';
import { createScrubSchedule } from '../src/scrub-schedule.js';
import { refuseUnread } from '../src/unread.js';
import { childScript, endProcesses, makeCacheRig, packageOf, provider, runInNamespace, type CacheRig } from './cache-rig.js';

const DAY = 86_400;
const START = 1_700_000_000;
let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
  rig.time = START;
});
afterEach(() => rig.close());

const content = (name: string): string => name.repeat(120_000);

async function storePackages(names: readonly string[], atSeconds: number): Promise<void> {
  rig.time = atSeconds;
  const packages = (await rig.open()).packages(provider);
  for (const name of names) await packages.store(packageOf(name, content(name)), rig.file(content(name)));
  endProcesses(rig);
}

/** Stores the result of a step that refers to a blob. @returns the blob's digest in hex. */
async function storeResult(name: string, atSeconds: number): Promise<string> {
  rig.time = atSeconds;
  const cache = await rig.open();
  const blob = await cache.blobs.putBytes(Buffer.from(content(name)));
  await cache.steps.put('acme.make', { name }, { blob: { ...blob } } as unknown as Json, 'ict');
  endProcesses(rig);
  return digestHex(blob.digest);
}

const names = ({ removed }: Collection): string[] => removed.map(({ kind, name }) => `${kind} ${name}`).sort();
const packages = (): string[] => rig.list(`pkgCache/${provider}`);

describe('a record of a result that nobody could have written', () => {
  it.each<[string, (path: string) => void]>([
    ['is larger than any text', (path) => truncateSync(path, 600 * 1024 * 1024)],
    ['is nested without end', (path) => writeFileSync(path, `{"output":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
  ])('%s, and refers to nothing', async (_what, spoil) => {
    await storeResult('a', START);
    rig.time = START + DAY;
    const cache = await rig.open();
    spoil((await cache.entries(['step']))[0]!.path);
    expect((await cache.collect({ unusedDays: 30 })).removed.map(({ kind }) => kind)).toEqual(['blob']);
  });
});

it('leaves what the fetcher of a running process keeps', async () => {
  const parts = ['answers', 'partial'];
  const make = () => parts.map((part) => mkdirSync(join(rig.cacheDir, '.ict/fetch', part), { recursive: true }));
  const clean = (from: Cache) => from.clean(({ kind }) => kind === 'metadata');
  const cache = await rig.open();
  make();
  expect(names(await clean(cache))).toEqual(parts.map((part) => `metadata ${part}`));
  make();
  await cache.fetchDirectory();
  expect(await clean(cache)).toMatchObject({ removed: [], pinned: 2 });
  endProcesses(rig);
  expect(names(await clean(await rig.open()))).toHaveLength(2);
});

it('leaves no record of what it removes', async () => {
  await storePackages(['a'], START);
  await storeResult('b', START);
  const cache = await rig.open();
  expect(names(await cache.clean(() => true))).toHaveLength(3);
  expect((await cache.verify()).findings).toEqual([]);
});

describe('limits', () => {
  it('packages unused for too long go, with their records, and a use starts their time anew', async () => {
    await storePackages(['a', 'b'], START);
    rig.time = START + 20 * DAY;
    await (await rig.open()).packages(provider).lookup(packageOf('b', content('b')));
    endProcesses(rig);
    rig.time = START + 31 * DAY;
    const cache = await rig.open();
    expect(names(await cache.collect({ packageDays: 30 }))).toEqual(['package a_1.0-1_amd64.deb']);
    expect(packages()).toEqual(['b_1.0-1_amd64.deb']);
    const left = [];
    for await (const { name } of cache.packageEntries.entries(provider, refuseUnread)) left.push(name);
    expect(left).toEqual(['b']);
  });

  it('beyond the size, those unused longest go until nine tenths are left, exactly', async () => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
    for (const [index, name] of all.entries()) await storePackages([name], START + index);
    const cache = await rig.open();
    const each = (await cache.entries(['package']))[0]?.allocatedBytes as number;
    expect(names(await cache.collect({ packageBytes: 10 * each }))).toEqual([]);
    // Nine tenths of 8 are 7.2: seven stay.
    expect(names(await cache.collect({ packageBytes: 8 * each }))).toEqual(
      ['a', 'b', 'c'].map((name) => `package ${name}_1.0-1_amd64.deb`),
    );
    expect(packages()).toHaveLength(7);
  });

  it('the images that were used last stay', async () => {
    for (const name of ['one', 'two', 'three']) mkdirSync(join(rig.cacheDir, 'imageCache', name), { recursive: true });
    const day = join(rig.cacheDir, '.ict/used/2023-11-14');
    const cache = await rig.open();
    mkdirSync(day);
    writeFileSync(join(day, 'gone.log'), `${START} image two\n${START + 2} image one\n${START + 1} image three\n`);
    expect(names(await cache.collect({ imageCount: 2 }))).toEqual(['image two']);
  });

  it('an image that a running build uses stays, and of those used at the same time another one goes', async () => {
    const images = ['one', 'three', 'two'].map((name) => join(rig.cacheDir, 'imageCache', name));
    for (const image of images) mkdirSync(image, { recursive: true });
    const day = join(rig.cacheDir, '.ict/used/2023-11-14');
    const cache = await rig.open();
    mkdirSync(day);
    writeFileSync(join(day, 'gone.log'), ['one', 'two', 'three'].map((name) => `${START} image ${name}\n`).join(''));
    writeFileSync(join(day, `${currentOwner()}.log`), `${START} image one\n`);
    expect(names(await cache.collect({ imageCount: 2 }))).toEqual(['image three']);
    expect(await cache.collect({ imageCount: 0 })).toMatchObject({ removed: [{ id: 'two' }], pinned: 1 });
  });

  it('results unused for too long go, and with them what only they refer to', async () => {
    const old = await storeResult('old', START);
    const fresh = await storeResult('fresh', START + 40 * DAY);
    rig.time = START + 41 * DAY;
    const { removed } = await (await rig.open()).collect({ unusedDays: 30 });
    expect(removed.map(({ kind, id }) => [kind, kind === 'step' ? 'step' : id]).sort()).toEqual([
      ['blob', old],
      ['step', 'step'],
    ]);
    expect(existsSync(join(rig.cacheDir, '.ict/blobs/sha256', fresh.slice(0, 2), fresh))).toBe(true);
  });

  it('memory of questions goes at once, and takes no way through the trash', async () => {
    const cache = await rig.open();
    await cache.memo.set('asked', 'long ago', 1);
    rig.time = Math.floor(Date.now() / 1000) + 31 * DAY; // the time of a file is the machine's
    expect((await cache.collect({ unusedDays: 30 })).removed.map(({ kind, name }) => [kind, name])).toEqual([['memo', 'asked']]);
    expect(rig.list('.ict/trash')).toEqual([]);
    expect(await cache.memo.get('asked', 'long ago')).toBeUndefined();
  });

  it('a directory in the place of a memory of a question goes, too', async () => {
    await (await rig.open()).memo.set('question', 'old', 1);
    const path = (await (await rig.open()).entries(['memo']))[0]?.path ?? '';
    rmSync(path);
    mkdirSync(join(path, 'within'), { recursive: true });
    const { removed, unread } = await (await rig.open()).clean(({ kind }) => kind === 'memo');
    expect([removed.map((entry) => entry.path), unread, existsSync(path)]).toEqual([[path], [], false]);
  });

  it('when room is short, what was unused longest goes first, whatever it is', async () => {
    await storePackages(['a'], START);
    const blob = await storeResult('r', START + DAY);
    await storePackages(['b'], START + 2 * DAY);
    const cache = await rig.open();
    const held = (await cache.entries()).reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
    const oldest = await cache.collect({ totalBytes: held - 1 }, { dryRun: true });
    expect(names(oldest)).toEqual(['package a_1.0-1_amd64.deb']);
    const more = await cache.collect({ totalBytes: held / 2 }, { dryRun: true });
    expect(names(more)).toEqual([`blob ${blob}`, 'package a_1.0-1_amd64.deb', 'step acme.make']);
    expect(packages()).toHaveLength(2);
  });

  describe('room that entries share', () => {
    /** Stores a result and the image of the same disk. @returns the id of the disk's blob. */
    async function storeImage(): Promise<string> {
      const cache = await rig.open();
      const blob = await storeResult('r', START);
      const source = join(rig.cacheDir, '.ict/blobs/sha256', blob.slice(0, 2), blob);
      const artifact = { name: 'r.raw', type: 'raw', digest: digestOf(content('r')), sizeBytes: content('r').length, source };
      await cache.images.put({ image: 'r' }, { artifacts: [artifact], documents: new Map() }, 'ict');
      endProcesses(rig);
      return blob;
    }

    it('counts once, and comes back with the last of them', async () => {
      const blob = await storeImage();
      await storePackages(['b'], START + DAY);
      const cache = await rig.open();
      const entries = await cache.entries();
      const held = Number(spawnSync('du', ['-sc', '--block-size=1', ...entries.map(({ path }) => path)]).stdout.toString().trim().split('\n').at(-1)?.split('\t')[0]); // prettier-ignore
      expect(occupiedBytes(entries)).toBe(held);
      expect((await cache.collect({ totalBytes: held }, { dryRun: true })).removed).toEqual([]);
      const { removed, freedBytes } = await cache.collect({ totalBytes: held - 1 }, { dryRun: true });
      expect(removed.map(({ kind, id }) => (kind === 'blob' ? id : kind)).sort()).toEqual([blob, 'image', 'step'].sort());
      expect(freedBytes).toBe(held - (entries.find(({ kind }) => kind === 'package')?.allocatedBytes as number));
      const images = await cache.clean(({ kind }) => kind === 'image', { dryRun: true });
      expect(images.freedBytes).toBeLessThan(content('r').length);
    });

    it('does not come back with the first of two results that refer to it', async () => {
      await storeResult('r', START);
      await storePackages(['b'], START + DAY);
      rig.time = START + 2 * DAY;
      const cache = await rig.open();
      const output = { blob: { kind: 'blob', digest: digestOf(content('r')), sizeBytes: content('r').length } };
      await cache.steps.put('acme.again', { name: 'r' }, output as unknown as Json, 'ict');
      endProcesses(rig);
      const held = occupiedBytes(await cache.entries());
      expect(names(await cache.collect({ totalBytes: held - 1 }, { dryRun: true }))).toEqual([
        'package b_1.0-1_amd64.deb',
        'step acme.make',
      ]);
    });
  });

  it('a file system without the room that is asked for gives up everything', async () => {
    await storePackages(['a'], START);
    rig.time = START + DAY;
    expect(names(await (await rig.open()).collect({ freeBytes: Number.MAX_SAFE_INTEGER }))).toEqual(['package a_1.0-1_amd64.deb']);
  });

  it('a file system that has the room that is asked for loses nothing more', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) await storePackages([name], START + index * DAY);
    const each = (await (await rig.open()).entries(['package']))[0]?.allocatedBytes as number;
    const small = join(rig.root, 'small');
    mkdirSync(small);
    const script = childScript(
      small,
      `const { statfsSync } = await import('node:fs');
       const { bavail, bsize } = statfsSync(cacheDir);
       const cache = await openCache({ cacheDir, clock: () => ${START + 3 * DAY}, readOnly: true });
       const going = async (more) => (await cache.collect({ freeBytes: bavail * bsize + more }, { dryRun: true })).removed.map(({ name }) => name[0]);
       console.log(JSON.stringify([await going(0), await going(1), await going(${each}), await going(${each + 1})]));`,
    );
    const setup = `mount -t tmpfs -o size=8m tmpfs "$1" && cp -a '${rig.cacheDir}/.' "$1"`;
    expect(runInNamespace(setup, small, script)).toEqual([[], ['a'], ['a'], ['a', 'b']]);
  });

  it('a clock that went backwards makes nothing old', async () => {
    await storePackages(['a'], START + 100 * DAY);
    rig.time = START;
    expect(names(await (await rig.open()).collect({ packageDays: 1, unusedDays: 1 }))).toEqual([]);
  });
});

describe('running builds', () => {
  it('keep what they use, however old', async () => {
    await storePackages(['a', 'b'], START);
    rig.time = START + 90 * DAY;
    const build = await rig.open();
    await build.packages(provider).lookup(packageOf('a', content('a')));
    const result = await (await rig.open()).collect({ packageDays: 30 });
    expect(names(result)).toEqual(['package b_1.0-1_amd64.deb']);
    expect(names(await (await rig.open()).clean(() => true))).toEqual([]);
    expect((await build.packages(provider).lookup(packageOf('a', content('a')))).state).toBe('hit');
  });

  it('get back what they began to use when a collection is stopped', async () => {
    await storePackages(['a', 'b'], START);
    const cache = await rig.open();
    const stopping = new AbortController();
    const day = new Date(START * 1000).toISOString().slice(0, 10);
    let begun = false;
    // A build begins to use a package that is out of its place, and the collection is stopped before the next one.
    Object.defineProperty(stopping.signal, 'aborted', {
      get() {
        if (packages().length === 2) return begun;
        if (!begun) {
          begun = true;
          appendFileSync(join(rig.cacheDir, '.ict/used', day, `${currentOwner()}.log`), `${START} package ${provider}/a_1.0-1_amd64.deb\n`);
          stopping.abort(new Error('stop'));
        }
        return true;
      },
    });
    const cleaned = cache.clean(({ kind }) => kind === 'package', { signal: stopping.signal });
    await expect(cleaned).rejects.toThrow('stop');
    expect([begun, packages()]).toEqual([true, ['a_1.0-1_amd64.deb', 'b_1.0-1_amd64.deb']]);
  });

  it('keep a result that they are about to record', async () => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from('new'));
    endProcesses(rig);
    rig.time += 60;
    expect(names(await (await rig.open()).collect({ unusedDays: 0 }))).toEqual([]);
    rig.time += 2 * 3600;
    expect((await (await rig.open()).collect({ unusedDays: 0 })).removed).toHaveLength(1);
  });
});

describe('metadata, which no result names,', () => {
  /** Keeps a blob as signed indexes and keyrings are kept. @returns its digest. */
  async function keep(text: string): Promise<Digest> {
    const { digest } = await (await rig.open()).blobs.putBytes(Buffer.from(content(text)));
    endProcesses(rig);
    return digest;
  }

  it('lives by its own last use', async () => {
    const [unused, used] = [await keep('u'), await keep('v')];
    rig.time = START + 20 * DAY;
    expect(names(await (await rig.open()).collect({ unusedDays: 30 }))).toEqual([]);
    expect(await (await rig.open()).blobs.path(used)).toBeDefined();
    endProcesses(rig);
    rig.time = START + 31 * DAY;
    const { removed } = await (await rig.open()).collect({ unusedDays: 30 });
    expect(removed.map(({ kind, id, reason }) => [kind, id, reason])).toEqual([
      ['blob', digestHex(unused), 'unused for more than 30 days'],
    ]);
  });

  it('goes when room is short and it was unused longest, and not while it is young', async () => {
    const kept = await keep('m');
    await storePackages(['a'], START + 1800);
    const collect = async () =>
      (await rig.open()).collect({ totalBytes: occupiedBytes(await (await rig.open()).entries()) - 1 }, { dryRun: true });
    expect(names(await collect())).toEqual(['package a_1.0-1_amd64.deb']);
    rig.time = START + 2 * 3600;
    expect(names(await collect())).toEqual([`blob ${digestHex(kept)}`]);
  });

  it('is told from disks, whose results are there or went', async () => {
    const [kept, disk, gone] = [await keep('m'), await storeResult('d', START), await storeResult('g', START)];
    const cache = await rig.open();
    await cache.steps.remove('acme.make', { name: 'g' });
    expect(cache.resultBlobs(refuseUnread)).toEqual(new Set([disk, gone]));
    rig.time = START + 31 * DAY;
    await cache.blobs.path(kept);
    const again = await rig.open();
    expect(await again.blobs.path(digestOf(content('g')))).toBeDefined(); // hashed again, and signed anew
    endProcesses(rig);
    rig.time += 2 * 3600;
    const { removed } = await (await rig.open()).collect({ unusedDays: 60 });
    expect(removed.map(({ id, reason }) => [id, reason])).toEqual([[gone, 'no kept result refers to it']]);
  });

  it('is told from disks of an earlier ict, which did not note that results named them', async () => {
    const disk = await storeResult('d', START);
    const record = join(rig.cacheDir, '.ict/index/blobs', disk.slice(0, 2), `${disk}.json`);
    const { isResult, ...earlier } = JSON.parse(readFileSync(record, 'utf8')) as Record<string, unknown>;
    expect(isResult).toBe(true);
    writeFileSync(record, JSON.stringify(earlier));
    const cache = await rig.open();
    expect(cache.resultBlobs(refuseUnread)).toEqual(new Set([disk]));
    rig.time = START + 20 * DAY;
    await cache.blobs.path(digestOf(content('d')));
    endProcesses(rig);
    rig.time = START + 31 * DAY;
    expect(names(await (await rig.open()).collect({ unusedDays: 30 }))).toEqual([`blob ${disk}`, 'step acme.make']);
  });

  it('is found again by a memory that is used: that is written again once a day', async () => {
    const { memo } = await rig.open();
    const file = async () => statSync((await (await rig.open()).entries(['memo']))[0]!.path).ino;
    const now = Date.now() / 1000; // the time of a file is the machine's
    await memo.set('keyring', 'address', 'digest');
    const first = await file();
    rig.time = now + DAY / 2;
    expect([await memo.get('keyring', 'address'), await file()]).toEqual(['digest', first]);
    rig.time = now + 2 * DAY;
    expect(await memo.get('keyring', 'address')).toBe('digest');
    expect(await file()).not.toBe(first);
    expect(await memo.get('keyring', 'address')).toBe('digest');
  });
});

it('collects directories that outlive builds by their last use, and none that a build has', async () => {
  const { signal } = new AbortController();
  const use = async (id: string, work = async (directory: string) => writeFileSync(join(directory, 'wheel'), content('w'))) =>
    (await rig.open()).withMount(id, 'shared', work, signal);
  await use('old');
  await use('pip');
  endProcesses(rig);
  rig.time = START + 31 * DAY;
  await use('pip');
  const held = await rig.open();
  const listed = (await held.entries(['mount'])).map(({ id, allocatedBytes }) => [id, allocatedBytes > 100_000]).sort();
  expect(listed).toEqual([
    ['old', true],
    ['pip', true],
  ]);
  expect(names(await held.collect({ unusedDays: 30 }))).toEqual(['mount old']);
  expect(rig.list('.ict/mounts')).toEqual(['pip']);
  expect(names(await held.clean(({ kind }) => kind === 'mount'))).toEqual([]);
  endProcesses(rig);
  expect(names(await (await rig.open()).clean(({ kind }) => kind === 'mount'))).toEqual(['mount pip']);
});

describe('cleaning', () => {
  it('removes what is chosen, and a dry run nothing', async () => {
    await storePackages(['a', 'b'], START);
    const cache = await rig.open();
    const chosen = ({ name }: { name: string }) => name.startsWith('a_');
    expect(names(await cache.clean(chosen, { dryRun: true }))).toEqual(['package a_1.0-1_amd64.deb']);
    expect(packages()).toHaveLength(2);
    const { freedBytes } = await cache.clean(chosen);
    expect(freedBytes).toBeGreaterThanOrEqual(9000);
    expect(packages()).toEqual(['b_1.0-1_amd64.deb']);
    await cache.reap();
    expect(rig.list('.ict/trash')).toEqual([]);
  });
});

describe('the journal', () => {
  it('draws many logs together and forgets what is gone', async () => {
    for (let index = 0; index < 20; index++) await storePackages([`p${index}`], START + index * DAY);
    rmSync(join(rig.cacheDir, 'pkgCache', provider, 'p0_1.0-1_amd64.deb'));
    const cache = await rig.open();
    await cache.collect({ packageDays: 365 });
    expect(rig.list('.ict/used')).toEqual(['summary.log']);
    const lines = readFileSync(join(rig.cacheDir, '.ict/used/summary.log'), 'utf8');
    expect(lines).not.toContain('/p0_');
    expect(lines).toContain(`${START + 7 * DAY} package ${provider}/p7_1.0-1_amd64.deb\n`);
    const names = lines
      .trim()
      .split('\n')
      .map((line) => line.slice(line.indexOf(' ') + 1));
    expect(names).toEqual(names.toSorted()); // so that uses can be looked up in it
  });

  it('takes no line that a crash cut off, and no rubbish', async () => {
    await storePackages(['a'], START);
    const [day] = rig.list('.ict/used');
    const [log] = rig.list(`.ict/used/${day}`);
    appendFileSync(join(rig.cacheDir, '.ict/used', day as string, log as string), `\0\0rubbish\n9999999999 pack`);
    const [entry] = await (await rig.open()).entries(['package']);
    expect(entry?.usedAt).toBe(START);
  });

  it('is not needed: an entry that it does not know was last used when it was stored', async () => {
    await storePackages(['a'], START);
    rmSync(join(rig.cacheDir, '.ict/used'), { recursive: true });
    const [entry] = await (await rig.open()).entries(['package']);
    expect(Math.abs((entry?.usedAt as number) - Date.now() / 1000)).toBeLessThan(3600);
  });
});

it('hashes files again early, from 20 days on, as far as the budget of a process goes', () => {
  rig.time = START;
  const size = 100 * 1024 * 1024; // of 128 MiB
  const due = createScrubSchedule(() => rig.time);
  rig.time += 19 * DAY;
  expect(due(START, size)).toBe(false);
  rig.time = START + 25 * DAY;
  expect([due(START, size), due(START, size), due(START, 28 * 1024 * 1024), due(START, 1)]).toEqual([true, false, true, false]);
  expect(createScrubSchedule(() => rig.time)(START, size)).toBe(true);
  rig.time = START + 30 * DAY;
  expect([due(START, size), due(START, size)]).toEqual([true, true]);
});

it('hashes an unchanged file again after 30 days', async () => {
  await storePackages(['a'], START);
  const look = async () => (await rig.open()).packages(provider).lookup(packageOf('a', content('a')));
  rig.time = START + 19 * DAY;
  expect(await look()).toMatchObject({ check: 'signature' });
  rig.time = START + 31 * DAY;
  expect(await look()).toMatchObject({ check: 'hash' });
  expect(await look()).toMatchObject({ check: 'signature' });
  const blob = digestOf('b');
  const cache = await rig.open();
  await cache.blobs.putBytes(Buffer.from('b'));
  rig.time += 31 * DAY;
  rig.hashed.length = 0;
  await (await rig.open()).blobs.path(blob);
  expect(rig.hashed).toHaveLength(1);
});

it('what lies on a file system that is only read stays, and counts as that; neither clean nor repair ends there', async () => {
  await storePackages(['a'], START);
  const file = join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb');
  writeFileSync(file, 'damaged');
  const script = childScript(
    rig.cacheDir,
    `const cache = await open();
     const { removed, pinned } = await cache.clean(() => true);
     const { findings } = await cache.verify({ repair: true });
     console.log(JSON.stringify([removed.length, pinned, ...findings.map(({ problem, repaired }) => [problem, repaired])]));`,
  );
  const setup = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';
  expect(runInNamespace(setup, join(rig.cacheDir, 'pkgCache'), script)).toEqual([0, 1, ['damaged', false]]);
  expect(existsSync(file)).toBe(true);
});
