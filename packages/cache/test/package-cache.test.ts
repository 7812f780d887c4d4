import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, fileStateOf, integrityOf } from '@ict/integrity';
import type { FileState } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import { packageKey } from '../src/package-cache.js';
import type { PackageEntry, SignedBy } from '../src/package-entries.js';
import { childScript, makeCacheRig, packageOf, provider, startChild, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
});
afterEach(() => rig.close());

const a = packageOf('a', 'content of a');
const b = packageOf('b', 'content of b');
const path = (name: string): string => join(rig.cacheDir, 'pkgCache', provider, name);
const recordPath = (pkg: typeof a): string =>
  join(rig.cacheDir, '.ict/index/packages', provider, packageKey(pkg).slice(0, 2), `${packageKey(pkg)}.json`);
const lookup = (pkg = a, vouching?: SignedBy) => cache.packages(provider).lookup(pkg, vouching);
const store = (pkg = a, content = `content of ${pkg.name}`) => cache.packages(provider).store(pkg, rig.file(content));
const signedBy: SignedBy = { root: digestOf('InRelease'), signers: ['ABCD'] };
const recorded = (pkg = a): PackageEntry => JSON.parse(readFileSync(recordPath(pkg), 'utf8')) as PackageEntry;
const types = (): string[] => rig.events.map(({ type }) => type);

async function storeBoth(): Promise<void> {
  await store(a);
  await store(b);
  rig.events.length = 0;
  rig.hashed.length = 0;
}

function damage(file: string, content: string): void {
  chmodSync(file, 0o644);
  writeFileSync(file, content);
}

describe('a package whose file was digested as it was written', () => {
  const written = (content: string): { file: string; state: FileState } => {
    const file = rig.file(content);
    return { file, state: fileStateOf(statSync(file, { bigint: true })) };
  };

  it('is not read again, and is found by what it is', async () => {
    const { file, state } = written('content of a');
    const resolved = { ...a, path: 'pool/a.deb' }; // as a build hands it over, with more than the cache asks for
    expect(await cache.packages(provider).store(resolved, file, {}, state)).toBe(path(a.fileName));
    expect(rig.hashed).toEqual([]);
    expect(rig.warnings()).toEqual([]);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
    expect((await cache.verify()).findings).toEqual([]);
  });

  it.each([
    ['written', (file: string) => writeFileSync(file, 'content of X')],
    [
      'written with its time restored',
      (file: string) => {
        const { atime, mtime } = statSync(file);
        writeFileSync(file, 'content of X');
        utimesSync(file, atime, mtime);
      },
    ],
    [
      'replaced',
      (file: string) => {
        rmSync(file);
        writeFileSync(file, 'content of X');
      },
    ],
  ])('is hashed when it was %s meanwhile, and refused', async (_what, change) => {
    const { file, state } = written('content of a');
    change(file);
    await expect(cache.packages(provider).store(a, file, {}, state)).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    expect(rig.hashed).toHaveLength(1);
    expect(rig.list('pkgCache')).toEqual([]);
  });

  it('is hashed when it does not have the size of the package', async () => {
    const { file, state } = written('content');
    await expect(cache.packages(provider).store(a, file, {}, state)).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
  });

  it('is hashed all the same where everything is', async () => {
    cache = await rig.open({ mode: 'full' });
    const { file, state } = written('content of a');
    await cache.packages(provider).store(a, file, {}, state);
    expect(rig.hashed).toHaveLength(1);
  });
});

describe('a package that its repository names by SHA-512', () => {
  const strong = packageOf('a', 'content of a', { digest: digestOf('content of a', 'sha512') });

  it('is stored and found by it', async () => {
    await store(strong);
    expect(JSON.parse(readFileSync(recordPath(strong), 'utf8'))).toMatchObject({ integrity: integrityOf('content of a', 'sha512') });
    expect(await lookup(strong)).toMatchObject({ state: 'hit', check: 'signature' });
    utimesSync(path(strong.fileName), 5, 5);
    expect(await lookup(strong)).toMatchObject({ state: 'hit', check: 'hash' });
    expect((await cache.verify()).findings).toEqual([]);
  });

  it('is refused when it is another, and thrown away when it was damaged', async () => {
    await expect(store(strong, 'content of b')).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    await store(strong);
    damage(path(strong.fileName), 'content of x');
    expect((await cache.verify()).findings).toMatchObject([{ kind: 'package', problem: 'damaged' }]);
    expect(await lookup(strong)).toMatchObject({ state: 'invalid' });
    expect(existsSync(path(strong.fileName))).toBe(false);
  });

  it('leaves a file of its name to another, which goes by SHA-256', async () => {
    await store(a);
    const other = packageOf('a', 'content of b', { digest: digestOf('content of b', 'sha512') });
    expect(await lookup(other)).toEqual({ state: 'miss' });
    expect(await lookup(a)).toMatchObject({ state: 'hit' });
  });
});

describe('the state machine, one event an edge', () => {
  it('absent -> miss', async () => {
    expect(await lookup()).toEqual({ state: 'miss' });
    expect(rig.events).toEqual([{ type: 'package.miss', name: 'a', version: '1.0-1' }]);
  });

  it('store -> stored: flat, under its own name, with a record', async () => {
    const source = rig.file('content of a');
    const file = await cache.packages(provider).store(a, source, { signedBy });
    expect(file).toBe(path(a.fileName));
    expect(existsSync(source)).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('content of a');
    expect(statSync(file).mode & 0o777).toBe(0o444);
    expect(rig.events).toEqual([{ type: 'package.stored', name: 'a', version: '1.0-1', sizeBytes: a.sizeBytes }]);
    expect(JSON.parse(readFileSync(recordPath(a), 'utf8'))).toMatchObject({
      key: packageKey(a),
      name: 'a',
      version: '1.0-1',
      arch: 'x86_64',
      repository: 'debian-trixie',
      integrity: integrityOf('content of a'),
      sizeBytes: a.sizeBytes,
      fileName: a.fileName,
      storedAt: 1000,
      verifiedAt: 1000,
      signedBy,
    });
  });

  it('tells by which rules a package was verified, also after others were noted and its signature changed', async () => {
    const [lax, strict] = [digestOf('lax'), digestOf('strict')];
    const packages = cache.packages(provider);
    await packages.vouch(a, strict); // nothing is there yet
    const file = await packages.store(a, rig.file('content of a'), { rules: lax });
    expect(await lookup()).toMatchObject({ state: 'hit', rules: lax });
    rig.time = 2000;
    await packages.vouch(a, strict);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature', rules: strict });
    // Its bytes were not looked at: it is hashed again when it would have been.
    expect(JSON.parse(readFileSync(recordPath(a), 'utf8'))).toMatchObject({ verifiedAt: 1000, rules: strict });
    utimesSync(file, 5, 5);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash', rules: strict });
    rmSync(recordPath(a));
    expect(await lookup()).toEqual({ state: 'hit', file, check: 'hash' });
  });

  it('unchanged -> hit by signature, unhashed', async () => {
    await storeBoth();
    expect(await lookup()).toEqual({ state: 'hit', file: path(a.fileName), check: 'signature' });
    expect(rig.hashed).toEqual([]);
    expect(rig.events).toEqual([{ type: 'package.cached', name: 'a', version: '1.0-1', check: 'signature' }]);
  });

  it('touched -> hit by hash, then by signature again', async () => {
    await storeBoth();
    rig.time = 2000;
    utimesSync(path(a.fileName), 5, 5);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash' });
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
    expect(JSON.parse(readFileSync(recordPath(a), 'utf8'))).toMatchObject({ storedAt: 1000, verifiedAt: 2000 });
  });

  it('full mode -> hit by hash each time', async () => {
    await storeBoth();
    cache = await rig.open({ mode: 'full' });
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash' });
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash' });
  });

  it.each([
    ['truncated', 'content'],
    ['grown', 'content of a and more'],
    ['changed at the same size', 'content of X'],
    ['emptied', ''],
  ])('%s -> invalid; only that entry goes, and then it is a miss', async (_name, content) => {
    await storeBoth();
    damage(path(a.fileName), content);
    expect(await lookup(a)).toMatchObject({ state: 'invalid' });
    expect(rig.events).toMatchObject([
      { type: 'package.invalid', name: 'a', version: '1.0-1' },
      { type: 'package.evicted', name: 'a' },
    ]);
    expect(existsSync(path(a.fileName))).toBe(false);
    expect(existsSync(recordPath(a))).toBe(false);
    expect(await lookup(a)).toEqual({ state: 'miss' });
    expect(await lookup(b)).toMatchObject({ state: 'hit', check: 'signature' });
    await store(a);
    expect(await lookup(a)).toMatchObject({ state: 'hit', check: 'signature' });
  });

  it('a same-size change with restored times is noticed', async () => {
    await storeBoth();
    const { atimeMs, mtimeMs } = statSync(path(a.fileName));
    damage(path(a.fileName), 'content of X');
    utimesSync(path(a.fileName), atimeMs / 1000, mtimeMs / 1000);
    expect(await lookup(a)).toMatchObject({ state: 'invalid' });
  });

  it('dangling record -> miss, and the record goes', async () => {
    await storeBoth();
    rmSync(path(a.fileName));
    expect(await lookup()).toEqual({ state: 'miss' });
    expect(existsSync(recordPath(a))).toBe(false);
    expect(types()).toEqual(['package.miss']);
  });

  it('orphan file -> adopted after hashing', async () => {
    await storeBoth();
    rmSync(join(rig.cacheDir, '.ict'), { recursive: true });
    cache = await rig.open();
    expect(await lookup(a, signedBy)).toMatchObject({ state: 'hit', check: 'hash' });
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
    expect(recorded()).toMatchObject({ signedBy });
  });

  it('orphan file of other content -> miss, and it stays until something of its name is stored', async () => {
    await storeBoth();
    rmSync(join(rig.cacheDir, '.ict'), { recursive: true });
    damage(path(a.fileName), 'content of X');
    cache = await rig.open();
    expect(await lookup()).toEqual({ state: 'miss' });
    expect(readFileSync(path(a.fileName), 'utf8')).toBe('content of X');
    await store(a);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
  });

  it.each(['', '{', '{}', 'null', '{"integrity":"md5-x"}'])('damaged record %j -> hit by hash', async (text) => {
    await storeBoth();
    writeFileSync(recordPath(a), text);
    expect(await lookup(a, signedBy)).toMatchObject({ state: 'hit', check: 'hash' });
    expect(recorded()).toMatchObject({ signedBy });
  });

  it('who vouched for a package stays on record, whoever looks for it; where nobody is, who vouches for it now is', async () => {
    const later: SignedBy = { root: digestOf('a later InRelease'), signers: ['EF01'] };
    await cache.packages(provider).store(a, rig.file('content of a'), { signedBy });
    await store(b);
    for (const pkg of [a, b]) {
      utimesSync(path(pkg.fileName), 5, 5);
      expect(await lookup(pkg, later)).toMatchObject({ state: 'hit', check: 'hash' });
    }
    expect([recorded(a).signedBy, recorded(b).signedBy]).toEqual([signedBy, later]);
  });

  it('wrong file -> refused, nothing stored, nothing left', async () => {
    await expect(store(a, 'content of X')).rejects.toMatchObject({
      code: 'ICT_CACHE_MISMATCH',
      kind: 'integrity',
      facts: { expected: a.digest },
    });
    await expect(store({ ...a, sizeBytes: 3 })).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    expect(rig.list('pkgCache')).toEqual([]);
    expect(types()).toEqual([]);
    expect(rig.temporaryFiles()).toEqual([]);
  });
});

describe('one name, two contents', () => {
  const newer = packageOf('a', 'rebuilt content');

  it('the later one replaces the file atomically; the earlier one is a miss and does no harm', async () => {
    await store(a);
    const before = statSync(path(a.fileName)).ino;
    await store(newer, 'rebuilt content');
    expect(statSync(path(a.fileName)).ino).not.toBe(before);
    rig.events.length = 0;
    expect(await lookup(a)).toEqual({ state: 'miss' });
    expect(types()).toEqual(['package.miss']);
    expect(await lookup(newer)).toMatchObject({ state: 'hit', check: 'signature' });
    expect(existsSync(recordPath(a))).toBe(false);
  });

  it('a reader of the old file keeps reading the old content', async () => {
    await store(a);
    const { open } = await import('node:fs/promises');
    await using handle = await open(path(a.fileName));
    await store(newer, 'rebuilt content');
    expect(await handle.readFile('utf8')).toBe('content of a');
  });
});

describe('identity', () => {
  it.each([
    ['name', { name: 'a2' }],
    ['version', { version: '2' }],
    ['arch', { arch: 'aarch64' }],
    ['repository', { repository: 'elsewhere' }],
    ['digest', { digest: digestOf('x') }],
    ['size', { sizeBytes: 1 }],
  ])('%s is part of the key', (_name, change) => {
    expect(packageKey({ ...a, ...change })).not.toBe(packageKey(a));
  });

  it('parts cannot run into each other, and the file name is no part of it', () => {
    expect(packageKey({ ...a, name: 'a,b', version: 'c' })).not.toBe(packageKey({ ...a, name: 'a', version: 'b,c' }));
    expect(packageKey({ ...a, fileName: 'z.deb' })).toBe(packageKey(a));
  });

  it('the same file from two repositories is stored once and found twice', async () => {
    const other = { ...a, repository: 'debian-trixie-updates' };
    await store(a);
    expect(await lookup(other)).toMatchObject({ state: 'hit', check: 'hash' });
    expect(await lookup(other)).toMatchObject({ state: 'hit', check: 'signature' });
    const found: PackageEntry[] = [];
    for await (const entry of cache.packages(provider).entries()) found.push(entry);
    expect(found.map(({ repository }) => repository).sort()).toEqual(['debian-trixie', 'debian-trixie-updates']);
    expect(rig.list(`pkgCache/${provider}`)).toEqual([a.fileName]);
  });

  it('providers are apart', async () => {
    await store(a);
    expect(await cache.packages('other-1-x86_64').lookup(a)).toEqual({ state: 'miss' });
  });
});

describe('death in the middle', () => {
  const contentOf = (index: number): string => `package ${index} `.repeat(3000);
  const packages = Array.from({ length: 30 }, (_, index) => packageOf(`p${index}`, contentOf(index)));

  it('kill -9 at any moment leaves hits or misses, never wrong content, and the next one cleans up', async () => {
    const script = childScript(
      rig.cacheDir,
      `const cache = await open();
       const packages = ${JSON.stringify(packages)};
       console.log('ready');
       for (let round = 0; ; round += 1) {
         for (const [index, pkg] of packages.entries()) {
           const file = (await cache.temporaryDirectory('x')) + '/f';
           writeFileSync(file, ('package ' + index + ' ').repeat(3000));
           await cache.packages(${JSON.stringify(provider)}).store(pkg, file);
         }
       }`,
    );
    for (let round = 0; round < 6; round += 1) {
      const child = startChild(script);
      const ended = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      // A moment that differs each round: after so many files have appeared.
      const wanted = 1 + round * 5;
      while (rig.list(`pkgCache/${provider}`).length < wanted) await new Promise(setImmediate);
      child.kill('SIGKILL');
      expect(await ended).toBe('SIGKILL');

      cache = await rig.open();
      const { failed } = await cache.reap();
      expect(failed).toEqual([]);
      expect(rig.list('.ict/tmp').filter((name) => !name.includes(`-${process.pid}-`))).toEqual([]);
      for (const pkg of packages) {
        const found = await lookup(pkg);
        expect(found.state).not.toBe('invalid');
        if (found.state === 'hit') expect(digestOf(readFileSync(found.file))).toBe(pkg.digest);
      }
      for (const name of readdirSync(join(rig.cacheDir, 'pkgCache', provider))) expect(name).toMatch(/^p\d+_1\.0-1_amd64\.deb$/);
      rmSync(join(rig.cacheDir, 'pkgCache'), { recursive: true });
    }
  });

  it('many writers of the same packages leave each of them whole', async () => {
    const script = childScript(
      rig.cacheDir,
      `const cache = await open();
       const packages = ${JSON.stringify(packages)};
       for (const [index, pkg] of packages.entries()) {
         const file = (await cache.temporaryDirectory('x')) + '/f';
         writeFileSync(file, ('package ' + index + ' ').repeat(3000));
         await cache.packages(${JSON.stringify(provider)}).store(pkg, file);
         const found = await cache.packages(${JSON.stringify(provider)}).lookup(pkg);
         if (found.state !== 'hit') { console.error(pkg.name, found); process.exit(1); }
       }`,
    );
    const codes = await Promise.all(Array.from({ length: 3 }, () => new Promise((resolve) => startChild(script).on('exit', resolve))));
    expect(codes).toEqual([0, 0, 0]);
    cache = await rig.open({ mode: 'full' });
    for (const pkg of packages) expect(await lookup(pkg)).toMatchObject({ state: 'hit' });
  });
});

describe('a package that is imported', () => {
  const bring = async (content: string): Promise<string> => {
    const directory = await cache.temporaryDirectory('import');
    writeFileSync(join(directory, a.fileName), content);
    return cache.packages(provider).importFile(join(directory, a.fileName));
  };

  it('takes the place of what nobody verified', async () => {
    await bring('content of X');
    expect(await bring('content of a')).toBe(a.fileName);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash' });
  });

  it('leaves a verified one of the same content as it is', async () => {
    await store(a);
    expect(await bring('content of a')).toBe(a.fileName);
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
  });

  it('takes no place of a verified one, but of one that was damaged since', async () => {
    await store(a);
    await expect(bring('content of X')).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'signature' });
    damage(path(a.fileName), 'content of Y');
    await bring('content of a');
    expect(await lookup()).toMatchObject({ state: 'hit', check: 'hash' });
  });
});
