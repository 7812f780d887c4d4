import { mkdirSync, rmSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childScript, makeBench, packageOf, provider, runInNamespace, type Bench } from './bench.js';

let bench: Bench;
beforeEach(() => {
  bench = makeBench();
});
afterEach(() => bench.close());

describe('openCache', () => {
  it('makes its directories, twice the same', async () => {
    await bench.open();
    await bench.open();
    expect(bench.list('.ict')).toEqual(['VERSION', 'blobs', 'fetch', 'index', 'layers', 'locks', 'memo', 'mounts', 'tmp', 'trash', 'used']);
    expect(readFileSync(join(bench.cacheDir, '.ict/VERSION'), 'utf8')).toBe('1\n');
  });

  it.each(['2\n', '999999', 'x', ''])('refuses version %j', async (version) => {
    await bench.open();
    writeFileSync(join(bench.cacheDir, '.ict/VERSION'), version);
    await expect(bench.open()).rejects.toMatchObject({ code: 'ICT_CACHE_VERSION', kind: 'host' });
  });

  it('says who cannot write where: a path below a file', async () => {
    const cacheDir = join(bench.file(''), 'cache');
    await expect(bench.open({ cacheDir })).rejects.toMatchObject({
      code: 'ICT_CACHE_UNWRITABLE',
      kind: 'host',
      facts: { directory: cacheDir, uid: process.getuid?.(), reason: 'ENOTDIR' },
    });
  });

  it('says who cannot write where: a read-only file system', async () => {
    await bench.open();
    const script = childScript(
      bench.cacheDir,
      `console.log(JSON.stringify(await open().then(() => 'open', (error) => [error.code, error.facts.reason])));`,
    );
    const setup = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';
    expect(runInNamespace(setup, bench.cacheDir, script)).toEqual(['ICT_CACHE_UNWRITABLE', 'EROFS']);
  });

  it('refuses names that would leave their directory', async () => {
    const cache = await bench.open();
    for (const name of ['', '.', '..', '../x', 'a/b', '.hidden', 'a\0b', 'a\nb', 'x'.repeat(256)]) {
      expect(() => cache.packages(name)).toThrow(expect.objectContaining({ code: 'ICT_CACHE_NAME' }) as Error);
      await expect(cache.withLock(name, () => Promise.resolve())).rejects.toMatchObject({ code: 'ICT_CACHE_NAME' });
      await expect(cache.packages(provider).lookup(packageOf('a', 'x', { fileName: name }))).rejects.toMatchObject({
        code: 'ICT_CACHE_NAME',
      });
    }
  });
});

describe('a full disk', () => {
  it('is named with what is needed, and leaves no temporary file', () => {
    mkdirSync(bench.cacheDir);
    const content = join(bench.root, 'content');
    const script = childScript(
      bench.cacheDir,
      `
      const text = 'x'.repeat(400000);
      const file = ${JSON.stringify(content)};
      const warnings = [];
      const cache = await openCache({ cacheDir, clock: () => 1000, emit: (event) => event.type === 'warning' && warnings.push(event.code) });
      const pkg = { name: 'a', version: '1', arch: 'x86_64', repository: 'r', digest: digestOf(text), sizeBytes: text.length, fileName: 'a.deb' };
      const results = [];
      for (const work of [
        () => cache.packages('p').store(pkg, file),
        () => cache.blobs.putFile(file),
        () => cache.blobs.putBytes(Buffer.from(text)),
        () => cache.steps.put('t', {}, text, 'x'),
      ]) {
        writeFileSync(file, text);
        results.push(await work().then(() => 'stored', (error) => [error.code, error.kind, error.facts.neededBytes ?? 0]));
      }
      await cache.memo.set('k', 1, text);
      const left = readdirSync(cacheDir + '/.ict/tmp').flatMap((name) => readdirSync(cacheDir + '/.ict/tmp/' + name));
      console.log(JSON.stringify({ results, warnings, left, lookup: await cache.packages('p').lookup(pkg) }));`,
    );
    const full = (needed: number) => ['ICT_CACHE_DISK_FULL', 'host', needed];
    expect(runInNamespace('mount -t tmpfs -o size=256k tmpfs "$1"', bench.cacheDir, script)).toEqual({
      results: [full(400_000), full(0), full(400_000), full(0)],
      warnings: ['ICT_CACHE_DISK_FULL'],
      left: [],
      lookup: { state: 'miss' },
    });
  });
});

describe('usage', () => {
  it('equals du and find, area by area', async () => {
    const cache = await bench.open();
    await cache.packages(provider).store(packageOf('a', 'one'), bench.file('one'));
    await cache.packages('other-1-x86_64').store(packageOf('a', 'one'), bench.file('one'));
    await cache.blobs.putBytes(Buffer.alloc(100_000));
    await cache.memo.set('kind', 1, 'value');
    mkdirSync(join(bench.cacheDir, 'imageCache/key'), { recursive: true });
    writeFileSync(join(bench.cacheDir, 'imageCache/key/image.raw'), 'image');
    const usage = await cache.usage();
    expect(usage.map(({ area }) => area).slice(0, 4)).toEqual([`packages/${provider}`, 'packages/other-1-x86_64', 'images', 'VERSION']);
    for (const { area, files, allocatedBytes, unreadable } of usage) {
      const path =
        area === 'images' ? 'imageCache' : area.startsWith('packages/') ? area.replace('packages/', 'pkgCache/') : `.ict/${area}`;
      const run = (command: string, ...args: string[]) => spawnSync(command, args).stdout.toString();
      expect({ area, allocatedBytes }).toEqual({
        area,
        allocatedBytes: Number(run('du', '-s', '--block-size=1', join(bench.cacheDir, path)).split('\t')[0]),
      });
      expect({ area, files }).toEqual({ area, files: run('find', join(bench.cacheDir, path), '!', '-type', 'd').split('\n').length - 1 });
      expect(unreadable).toBe(0);
    }
    expect(usage.find(({ area }) => area === 'blobs')?.sizeBytes).toBe(100_000);
  });

  it('leaves nothing out that lies where a directory should', async () => {
    const cache = await bench.open();
    rmSync(join(bench.cacheDir, 'pkgCache'), { recursive: true, force: true });
    writeFileSync(join(bench.cacheDir, 'pkgCache'), 'a file');
    expect((await cache.usage())[0]).toMatchObject({ area: 'packages', files: 1, sizeBytes: 6 });
  });
});

describe('temporary directories', () => {
  it('are private and lie on the file system of the cache', async () => {
    const cache = await bench.open();
    const [one, two] = [await cache.temporaryDirectory('build'), await cache.temporaryDirectory('build')];
    expect(one).not.toBe(two);
    expect(statSync(one).mode & 0o777).toBe(0o700);
    expect(one.startsWith(join(bench.cacheDir, '.ict/tmp/'))).toBe(true);
  });
});
