import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCache, type Cache } from '@ict/cache';
import { digestHex, digestOf } from '@ict/integrity';
import { describe, expect, it } from 'vitest';
import {
  document,
  endBuilds,
  fill,
  ids,
  keepImage,
  places,
  provider,
  root,
  storeResult,
  useCache,
  work,
  type Listed,
  type Removed,
} from './cache-place.js';
import { ict } from './fixture.js';
import { ictOnFullDisk } from './full-disk.js';

useCache();

const other = 'acme-acme2-x86_64';

/** Makes a twin of the package `a`. @returns its path. */
async function makeTwin(cache: Cache): Promise<string | undefined> {
  const content = 'a'.repeat(5000);
  const pkg = { name: 'a', version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content), sizeBytes: content.length };
  const { signal } = new AbortController();
  const write = (_file: string, out: string) => writeFile(out, 'twin');
  const twins = cache.twins(provider, { by: 'acme', version: 1, limitBytes: 1e9, signal, write });
  return twins.obtain({ ...pkg, fileName: 'a-1.pkg', file: join(root, 'a') });
}

describe('ict cache clean', () => {
  it.each([
    [['--packages'], ['package', 'package', 'twin']],
    [['--images'], ['blob', 'blob', 'image']],
    [['--layers'], ['layer', 'step']],
    [['--mounts'], ['mount']],
    [
      ['--package', 'a'],
      ['package', 'twin'],
    ],
    [['--package', 'b'], ['package']],
    [
      ['--packages', '--provider-id', provider],
      ['package', 'package', 'twin'],
    ],
    [['--all'], ['blob', 'blob', 'blob', 'image', 'imagebuild', 'layer', 'mount', 'package', 'package', 'step', 'twin']],
    [['--workspace'], ['imagebuild']],
  ])('%j removes what it says', async (flags, kinds) => {
    const cache = await fill(0, ['a', 'b']);
    await storeResult(cache);
    await makeTwin(cache);
    await keepImage(cache);
    const layer = await cache.layers.stage();
    await cache.layers.publish(layer, digestOf('layer'), { manifest: '{}', signature: '{}' });
    const index = await cache.blobs.putBytes(Buffer.from('signed index'));
    await cache.reap(); // where the layer was staged
    await cache.withMount('pip', 'shared', (directory) => writeFile(join(directory, 'wheel'), ''), new AbortController().signal);
    await endBuilds();
    await mkdir(join(work, provider, 'imagebuild', 'minimal'), { recursive: true });
    const dry = await document<Removed>(['clean', ...flags, '--dry-run', ...places]);
    expect(dry.removed.map(({ kind }) => kind).sort()).toEqual(kinds);
    expect((await document<Listed>(['list', ...places])).entries).toHaveLength(11);
    const real = await document<Removed>(['clean', ...flags, ...places]);
    expect(ids(real)).toEqual(ids(dry));
    const left = (await document<Listed>(['list', ...places])).entries.map(({ id }) => id);
    expect(left).toHaveLength(11 - kinds.length);
    expect(left.includes(digestHex(index.digest))).toBe(!flags.includes('--all')); // it is found again by its digest
    expect(existsSync(join(work, provider, 'imagebuild', 'minimal'))).toBe(!kinds.includes('imagebuild'));
    expect(await readdir(join(root, 'cache', '.ict', 'trash'))).toEqual([]);
  });

  it.each([
    ['clean --images', 'blob'],
    ['gc --max-gb 0', 'package'],
  ])('has room on a disk that is full: %s', async (command, kind) => {
    const cache = await fill(0, ['a']);
    await storeResult(cache);
    await cache.memo.set('acme.answer', 'x', 'x'.repeat(20_000));
    await endBuilds();
    const { status, stdout, stderr } = ictOnFullDisk(join(root, 'cache'), ['cache', ...command.split(' '), ...places, '--json'], {
      HOME: root,
    });
    expect([status, stderr]).toEqual([0, '']);
    expect((JSON.parse(stdout) as Removed).removed.map((entry) => entry.kind)).toContain(kind);
  });

  it('removes one entry by the beginning of its key', async () => {
    const { step } = await storeResult(await fill(0, ['a']));
    await endBuilds();
    expect(ids(await document<Removed>(['clean', '--key', step.slice(0, 8), ...places]))).toEqual([`step ${step}`]);
  });

  it.each([
    [['--package', 'librray'], 'no package "librray" is kept', 'Did you mean "library"?'],
    [['--package', 'library', '--provider-id', other], `no package "library" of ${other} is kept`, '`ict cache list` shows what there is.'],
    [
      ['--packages', '--provider-id', 'acme-acme3-x86_64'],
      'nothing of "acme-acme3-x86_64" is kept',
      `Did you mean "${provider}" or "${other}"?`,
    ],
  ])('%j: what is not there is said, as of a key, and nothing is removed', async (flags, message, hint) => {
    await fill(0, ['library']);
    await endBuilds();
    await mkdir(join(work, other, 'imagebuild', 'minimal'), { recursive: true });
    const { status, stdout } = await ict(['cache', 'clean', ...flags, '--json', ...places]);
    expect(status).toBe(2);
    expect(JSON.parse(stdout.text)).toMatchObject({ error: { code: 'ICT_CLI_CACHE_UNKNOWN', message, hint } });
    expect((await document<Listed>(['list', ...places])).entries).toHaveLength(2);
  });

  it('says of a cache that is not there that it has no such package', async () => {
    const { status, stderr } = await ict(['cache', 'clean', '--package', 'library', ...places]);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_CACHE_UNKNOWN')]);
  });

  it('wants to be told what', async () => {
    const { status, stderr } = await ict(['cache', 'clean', ...places]);
    expect(status).toBe(2);
    expect(stderr.text).toContain('ICT_CLI_USAGE');
  });

  it('leaves what a running build uses', async () => {
    await fill(0, ['a']); // this process noted it and runs
    const { removed, pinned } = await document<Removed>(['clean', '--packages', ...places]);
    expect(removed).toEqual([]);
    expect(pinned).toBe(1);
  });
});

describe('ict cache gc', () => {
  it('removes packages and results unused for too long, and old builds', async () => {
    await storeResult(await fill(40, ['old']));
    await fill(1, ['new']);
    await endBuilds();
    const [early, late] = ['early', 'late'].map((name) => join(work, provider, 'imagebuild', name)) as [string, string];
    for (const path of [early, late]) await mkdir(path, { recursive: true });
    const sixDays = Date.now() / 1000 - 6 * 86_400;
    await utimes(early, sixDays, sixDays);
    const result = await document<Removed>(['gc', '--imagebuild-days', '5', ...places]);
    expect(result.removed.map(({ kind }) => kind).sort()).toEqual(['blob', 'imagebuild', 'package', 'step']);
    expect(existsSync(early)).toBe(false);
    expect(existsSync(late)).toBe(true);
    expect((await ict(['cache', 'gc', '--dry-run', ...places])).stdout.text).toMatch(/^0 entries would be removed, 0 B\n$/);
  });

  it('keeps a twin whose package lies in a cache that is only read', async () => {
    const lender = await fill(0, ['a']);
    const own = join(root, 'own');
    const cache = await openCache({ cacheDir: own, clock: () => Date.now() / 1000, readOnlyDirs: [lender.cacheDir] });
    const twin = await makeTwin(cache);
    await rm(join(own, '.ict', 'used'), { recursive: true });
    const behind = ['--cache-dir', own, '--work-dir', work, '--read-only-cache-dir'];
    expect(ids(await document<Removed>(['gc', ...behind, lender.cacheDir]))).toEqual([]);
    expect(existsSync(twin as string)).toBe(true);
    expect(ids(await document<Removed>(['gc', ...behind, join(root, 'nothing')]))).toEqual([`twin twin/${provider}/a-1.pkg`]);
  });

  it('takes limits from flags', async () => {
    await fill(3, ['a']);
    await endBuilds();
    expect(ids(await document<Removed>(['gc', '--unused-days', '2', ...places]))).toEqual([`package ${provider}/a-1.pkg`]);
  });

  it('--max-images leaves so many, and without it the configuration does', async () => {
    const first = await keepImage(await fill(2, []), 'first-1.0.raw');
    await keepImage(await fill(1, []), 'second-1.0.raw');
    await endBuilds();
    const images = async (flags: readonly string[]) =>
      ids(await document<Removed>(['gc', ...flags, '--dry-run', ...places])).filter((id) => id.startsWith('image '));
    expect(await images([])).toEqual([]);
    expect(await images(['--max-images', '2'])).toEqual([]);
    expect(await images(['--max-images', '1'])).toEqual([`image ${first}`]);
  });

  it('--min-free-gb removes until the disk has so much room, in GiB', async () => {
    await fill(3, ['a']);
    await endBuilds();
    const room = async (gb: string) => (await document<Removed>(['gc', '--min-free-gb', gb, ...places])).removed;
    expect(await room('0')).toEqual([]);
    expect(await room('999999')).toMatchObject([{ id: `${provider}/a-1.pkg`, reason: 'unused longest while room is short' }]);
  });
});
