import { chownSync, linkSync, mkdirSync, readdirSync, rmSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseUnread } from '../src/unread.js';
import { childScript, makeCacheRig, packageOf, provider, runInNamespace, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

describe('openCache', () => {
  it('makes its directories, twice the same', async () => {
    await rig.open();
    await rig.open();
    expect(rig.list('.ict')).toEqual([
      'VERSION',
      'blobs',
      'fetch',
      'index',
      'layers',
      'locks',
      'memo',
      'mounts',
      'tmp',
      'trash',
      'twins',
      'used',
    ]);
    expect(readFileSync(join(rig.cacheDir, '.ict/VERSION'), 'utf8')).toBe('1\n');
  });

  it.each(['2\n', '999999', 'x', ''])('refuses version %j', async (version) => {
    await rig.open();
    writeFileSync(join(rig.cacheDir, '.ict/VERSION'), version);
    await expect(rig.open()).rejects.toMatchObject({ code: 'ICT_CACHE_VERSION', kind: 'host' });
  });

  it('is whole again when a damaged version was removed', async () => {
    const { layers } = await rig.open();
    const version = join(rig.cacheDir, '.ict/VERSION');
    const digest = digestOf('layer');
    await layers.publish(await layers.stage(), digest, { manifest: '{}', signature: '{}' });
    writeFileSync(version, '');
    await expect(rig.open()).rejects.toMatchObject({ hint: expect.stringContaining('remove that file') as string });
    rmSync(version);
    expect(await (await rig.open()).layers.get(digest)).toMatchObject({ manifest: '{}' });
    expect(readFileSync(version, 'utf8')).toBe('1\n');
  });

  it('changes nothing that a newer ict wrote, and uses nothing of it from behind', async () => {
    const written = ['.ict/VERSION', '.ict/index/packages/x/ab/record.json', 'imageCache/key/meta.json'];
    for (const name of written) {
      mkdirSync(join(rig.cacheDir, dirname(name)), { recursive: true });
      writeFileSync(join(rig.cacheDir, name), name.endsWith('VERSION') ? '2\n' : '{"of":"another shape"}');
    }
    const all = () => readdirSync(rig.cacheDir, { recursive: true }).sort();
    const before = all();
    for (const readOnly of [false, true]) {
      await expect(rig.open({ readOnly })).rejects.toMatchObject({ code: 'ICT_CACHE_VERSION', facts: { version: 2 } });
    }
    const cache = await rig.open({ cacheDir: join(rig.root, 'own'), readOnlyDirs: [rig.cacheDir] });
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
    expect((await cache.images.find({ a: 1 })).image).toBeUndefined();
    expect(all()).toEqual(before);
  });

  it('says who cannot write where: a path below a file', async () => {
    const cacheDir = join(rig.file(''), 'cache');
    await expect(rig.open({ cacheDir })).rejects.toMatchObject({
      code: 'ICT_CACHE_UNWRITABLE',
      kind: 'host',
      facts: { directory: cacheDir, uid: process.getuid?.(), reason: 'ENOTDIR' },
    });
  });

  it('says who cannot write where: a read-only file system', async () => {
    await rig.open();
    const script = childScript(
      rig.cacheDir,
      `console.log(JSON.stringify(await open().then(() => 'open', (error) => [error.code, error.facts.reason])));`,
    );
    const setup = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';
    expect(runInNamespace(setup, rig.cacheDir, script)).toEqual(['ICT_CACHE_UNWRITABLE', 'EROFS']);
  });

  it('refuses names that would leave their directory', async () => {
    const cache = await rig.open();
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
    mkdirSync(rig.cacheDir);
    const content = join(rig.root, 'content');
    const script = childScript(
      rig.cacheDir,
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
      const below = readdirSync(cacheDir + '/.ict/tmp', { recursive: true, withFileTypes: true });
      const left = below.filter((entry) => entry.isFile()).map(({ name }) => name);
      console.log(JSON.stringify({ results, warnings, left, lookup: await cache.packages('p').lookup(pkg) }));`,
    );
    const full = (needed: number) => ['ICT_CACHE_DISK_FULL', 'host', needed];
    expect(runInNamespace('mount -t tmpfs -o size=256k tmpfs "$1"', rig.cacheDir, script)).toEqual({
      results: [full(400_000), full(0), full(400_000), full(0)],
      warnings: ['ICT_CACHE_DISK_FULL'],
      left: [],
      lookup: { state: 'miss' },
    });
  });
});

it('packages and images may be on volumes of their own', () => {
  const script = childScript(
    rig.cacheDir,
    `
    const file = ${JSON.stringify(join(rig.root, 'content'))};
    const cache = await openCache({ cacheDir, clock: () => 1000 });
    const text = 'text';
    const pkg = { name: 'a', version: '1', arch: 'x86_64', repository: 'r', digest: digestOf(text), sizeBytes: 4, fileName: 'a.deb' };
    writeFileSync(file, text, { mode: 0o644 });
    const stored = await cache.packages('p').store(pkg, file);
    const blob = await cache.blobs.putBytes(Buffer.from(text));
    const source = await cache.blobs.path(blob.digest);
    await cache.images.put({ a: 1 }, { artifacts: [{ name: 'a.raw', type: 'raw', ...blob, source }], documents: new Map() }, 'ict');
    const { image } = await cache.images.find({ a: 1 });
    const lookup = await cache.packages('p').lookup(pkg);
    const names = () => ['pkgCache/p', 'imageCache'].map((name) => readdirSync(cacheDir + '/' + name).filter((one) => one.startsWith('.')).length);
    const results = [names(), lookup.check, readFileSync(image.directory + '/a.raw', 'utf8')];
    await cache.images.drop({ a: 1 });
    writeFileSync(stored, 'xxxx');
    results.push((await cache.packages('p').lookup(pkg)).state, names(), await cache.reap(), names());
    console.log(JSON.stringify({ stored, results }));`,
  );
  const setup = 'mkdir -p "$1/pkgCache" "$1/imageCache" && mount -t tmpfs tmpfs "$1/pkgCache" && mount -t tmpfs tmpfs "$1/imageCache"';
  expect(runInNamespace(setup, rig.cacheDir, script)).toEqual({
    stored: join(rig.cacheDir, 'pkgCache/p/a.deb'),
    results: [[0, 0], 'signature', 'text', 'invalid', [1, 1], { removed: 2, failed: [] }, [0, 0]],
  });
});

describe('usage', () => {
  it('equals du and find, area by area', async () => {
    const cache = await rig.open();
    await cache.packages(provider).store(packageOf('a', 'one'), rig.file('one'));
    await cache.packages('other-1-x86_64').store(packageOf('a', 'one'), rig.file('one'));
    await cache.blobs.putBytes(Buffer.alloc(100_000));
    await cache.memo.set('kind', 1, 'value');
    const notUtf8 = Buffer.from(join(rig.cacheDir, '.ict/mounts/pip/caf\xe9'), 'latin1');
    mkdirSync(notUtf8, { recursive: true });
    writeFileSync(Buffer.concat([notUtf8, Buffer.from('/\xff', 'latin1')]), 'wheel');
    mkdirSync(join(rig.cacheDir, 'imageCache/key'), { recursive: true });
    writeFileSync(join(rig.cacheDir, 'imageCache/key/image.raw'), 'image');
    const usage = await cache.usage(refuseUnread);
    expect(usage.map(({ area }) => area).slice(0, 4)).toEqual([`packages/${provider}`, 'packages/other-1-x86_64', 'images', 'VERSION']);
    for (const { area, files, allocatedBytes, unreadable } of usage) {
      const path =
        area === 'images' ? 'imageCache' : area.startsWith('packages/') ? area.replace('packages/', 'pkgCache/') : `.ict/${area}`;
      const run = (command: string, ...args: string[]) => spawnSync(command, args).stdout.toString();
      expect({ area, allocatedBytes }).toEqual({
        area,
        allocatedBytes: Number(run('du', '-s', '--block-size=1', join(rig.cacheDir, path)).split('\t')[0]),
      });
      expect({ area, files }).toEqual({ area, files: run('find', join(rig.cacheDir, path), '!', '-type', 'd').split('\n').length - 1 });
      expect(unreadable).toBe(0);
    }
    expect(usage.find(({ area }) => area === 'blobs')?.sizeBytes).toBe(100_000);
  });

  it('says what of an area is the same files as in one before it', async () => {
    const cache = await rig.open();
    const { digest } = await cache.blobs.putBytes(Buffer.alloc(100_000));
    mkdirSync(join(rig.cacheDir, 'imageCache/key'), { recursive: true });
    linkSync((await cache.blobs.path(digest)) as string, join(rig.cacheDir, 'imageCache/key/image.raw'));
    const usage = await cache.usage(refuseUnread);
    const shared = usage.map(({ area, sharedBytes }) => [area, sharedBytes] as const).filter(([, bytes]) => bytes > 0);
    expect(shared).toEqual([['blobs', statSync((await cache.blobs.path(digest)) as string).blocks * 512]]);
  });

  it('leaves nothing out that lies where a directory should', async () => {
    const cache = await rig.open();
    rmSync(join(rig.cacheDir, 'pkgCache'), { recursive: true, force: true });
    writeFileSync(join(rig.cacheDir, 'pkgCache'), 'a file');
    expect((await cache.usage(refuseUnread))[0]).toMatchObject({ area: 'packages', files: 1, sizeBytes: 6 });
  });
});

describe('temporary directories', () => {
  it('are private and lie on the file system of the cache', async () => {
    const cache = await rig.open();
    const [one, two] = [await cache.temporaryDirectory('build'), await cache.temporaryDirectory('build')];
    expect(one).not.toBe(two);
    expect(statSync(one).mode & 0o777).toBe(0o700);
    expect(one.startsWith(join(rig.cacheDir, '.ict/tmp/'))).toBe(true);
  });

  it('that have a place of their own say so when it is none', async () => {
    const scratchDir = join(rig.root, 'file');
    writeFileSync(scratchDir, '');
    const cache = await rig.open({ scratchDir });
    await expect(cache.scratchDirectory('run')).rejects.toMatchObject({ code: 'ICT_CACHE_UNWRITABLE', facts: { directory: scratchDir } });
  });

  it('are not made where somebody else has put a directory or a link', async () => {
    const cache = await rig.open();
    const own = dirname(await cache.temporaryDirectory('build'));
    const elsewhere = join(rig.root, 'elsewhere');
    mkdirSync(elsewhere);
    rmSync(own, { recursive: true });
    symlinkSync(elsewhere, own);
    await expect(cache.temporaryDirectory('build')).rejects.toMatchObject({ code: 'ICT_CACHE_UNWRITABLE', facts: { directory: own } });
    rmSync(own);
    mkdirSync(own);
    chownSync(own, 1, 1);
    await expect(cache.temporaryDirectory('build')).rejects.toMatchObject({ code: 'ICT_CACHE_UNWRITABLE' });
  });
});
