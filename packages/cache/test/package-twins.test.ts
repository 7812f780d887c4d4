import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { digestOf, integrityFromDigest } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { TwinMaker } from '../src/package-twins.js';
import { twinId } from '../src/twin-entry.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
/** Package files of which a twin was made. */
let made: string[];
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
  made = [];
});
afterEach(() => rig.close());

const a = packageOf('a', 'content of a');
const b = packageOf('b', 'content of b');
const GIB = 2 ** 30;
const twinPath = (name: string): string => join(rig.cacheDir, '.ict/twins', provider, name);

function maker(more: Partial<TwinMaker> = {}): TwinMaker {
  return {
    by: 'deb',
    version: 1,
    limitBytes: GIB,
    signal: new AbortController().signal,
    async write(file, out) {
      made.push(basename(file));
      writeFileSync(out, `plain ${readFileSync(file, 'utf8')}`);
    },
    ...more,
  };
}

async function stored(pkg = a): Promise<{ digest: typeof a.digest; fileName: string; file: string }> {
  return { ...pkg, file: await cache.packages(provider).store(pkg, rig.file(`content of ${pkg.name}`)) };
}

const obtain = async (pkg = a, more: Partial<TwinMaker> = {}, from = cache) => from.twins(provider, maker(more)).obtain(await stored(pkg));

describe('an uncompressed twin', () => {
  it('is made once, read-only, and found again without being hashed', async () => {
    const file = await obtain();
    expect(file).toBe(twinPath(a.fileName));
    expect(readFileSync(file as string, 'utf8')).toBe('plain content of a');
    expect(statSync(file as string).mode & 0o777).toBe(0o444);
    const again = await rig.open();
    const pkg = await stored();
    rig.hashed.length = 0;
    expect(await again.twins(provider, maker()).obtain(pkg)).toBe(file);
    expect(rig.hashed).toEqual([]);
    expect(made).toEqual([a.fileName]);
  });

  it.each<[string, Partial<TwinMaker>]>([
    ['another version of its writer', { version: 2 }],
    ['another writer', { by: 'rpm' }],
  ])('is made again for %s', async (_what, more) => {
    await obtain();
    await obtain(a, more);
    expect(made).toHaveLength(2);
  });

  it('is never that of another package of the same name', async () => {
    await obtain();
    const other = packageOf('a', 'something else');
    const file = rig.file('something else');
    const twin = await cache.twins(provider, maker()).obtain({ ...other, file });
    expect(readFileSync(twin as string, 'utf8')).toBe('plain something else');
    expect(rig.warnings()).toEqual([]);
    // The other one replaced it, and its record speaks of the other.
    expect(readFileSync((await obtain()) as string, 'utf8')).toBe('plain content of a');
  });

  const tampering: readonly [string, (file: string) => void][] = [
    ['truncated', (file) => truncateSync(file, 3)],
    ['one bit', (file) => writeFileSync(file, 'plain content of c')],
    [
      'other content of the same size with restored times',
      (file) => {
        const { atime, mtime } = statSync(file);
        writeFileSync(file, 'PLAIN content of a');
        utimesSync(file, atime, mtime);
      },
    ],
    [
      'replaced by a link',
      (file) => {
        renameSync(file, `${rig.root}/moved`);
        writeFileSync(`${rig.root}/other`, 'something');
        symlinkSync(`${rig.root}/other`, file);
      },
    ],
  ];
  it.each(tampering)('that was tampered with is found and made again: %s', async (_what, tamper) => {
    const file = (await obtain()) as string;
    chmodSync(file, 0o644);
    tamper(file);
    expect(readFileSync((await obtain()) as string, 'utf8')).toBe('plain content of a');
    expect(made).toHaveLength(2);
    expect(rig.warnings()).toEqual(['ICT_CACHE_DAMAGED']);
  });

  it('is of a provider with a plain name', () => {
    expect(() => cache.twins('../elsewhere', maker())).toThrow(expect.objectContaining({ code: 'ICT_CACHE_NAME' }) as Error);
  });

  it('that was removed is made again', async () => {
    rmSync((await obtain()) as string);
    expect(existsSync((await obtain()) as string)).toBe(true);
    expect(rig.warnings()).toEqual([]);
  });

  it('is hashed each time with full verification, and after a month', async () => {
    await obtain();
    const full = await rig.open({ mode: 'full' });
    rig.hashed.length = 0;
    await obtain(a, {}, full);
    expect(rig.hashed).toContain(twinPath(a.fileName));
    rig.time += 31 * 86_400;
    const later = await rig.open();
    rig.hashed.length = 0;
    await obtain(a, {}, later);
    expect(rig.hashed).toContain(twinPath(a.fileName));
  });

  it('is not made when the limit leaves no room', async () => {
    expect(await obtain(a, { limitBytes: 1 })).toBeUndefined();
    expect(made).toEqual([]);
  });

  it('that cannot be written costs one warning, and no other is tried', async () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const twins = cache.twins(provider, maker({ write: async (_file, out) => { writeFileSync(out, 'half'); throw full; } })); // prettier-ignore
    expect(await twins.obtain(await stored(a))).toBeUndefined();
    expect(await twins.obtain(await stored(b))).toBeUndefined();
    expect(rig.warnings()).toEqual(['ICT_CACHE_NOT_KEPT']);
    expect(rig.list(`.ict/twins/${provider}`)).toEqual([]);
    expect(rig.temporaryFiles()).toEqual([]);
  });

  it('that a package cannot have costs a warning, and others have theirs', async () => {
    const { write } = maker();
    const choosy = maker({ write: (file, ...more) => (basename(file) === a.fileName ? Promise.reject(new Error('too large')) : write(file, ...more)) }); // prettier-ignore
    const twins = cache.twins(provider, choosy);
    expect(await twins.obtain(await stored(a))).toBeUndefined();
    expect(await twins.obtain(await stored(b))).toBe(twinPath(b.fileName));
    expect(rig.warnings()).toEqual(['ICT_CACHE_NOT_KEPT']);
  });

  it('of a read-only cache serves where it lies, unless it is damaged', async () => {
    const file = (await obtain()) as string;
    const pkg = await stored();
    const elsewhere = await rig.open({ cacheDir: join(rig.root, 'own'), readOnlyDirs: [rig.cacheDir] });
    expect(await elsewhere.twins(provider, maker()).obtain(pkg)).toBe(file);
    chmodSync(file, 0o644);
    writeFileSync(file, 'PLAIN content of a');
    const twin = await elsewhere.twins(provider, maker()).obtain(pkg);
    expect(twin).toBe(join(rig.root, 'own/.ict/twins', provider, a.fileName));
    expect(readFileSync(twin as string, 'utf8')).toBe('plain content of a');
    expect(rig.warnings()).toEqual(['ICT_CACHE_DAMAGED']);
  });
});

describe('those who look after the cache', () => {
  it('list it beside its package', async () => {
    await obtain();
    const [twin] = await cache.entries(['twin']);
    expect(twin).toMatchObject({ kind: 'twin', id: twinId(provider, a.fileName), name: a.fileName, provider });
    expect(twin?.allocatedBytes).toBeGreaterThan(0);
  });

  it('evict twins before packages, and leave a record of none', async () => {
    for (const pkg of [a, b]) await obtain(pkg);
    const later = await rig.open();
    rmSync(join(rig.cacheDir, '.ict/used'), { recursive: true }); // nobody uses anything now
    const each = (await later.entries(['twin']))[0]?.allocatedBytes as number;
    const first = await later.collect({ packageBytes: each * 3 });
    expect(first.removed.map(({ kind }) => kind)).toEqual(['twin', 'twin']);
    expect(rig.list(`.ict/index/twins/${provider}`).flatMap((shard) => rig.list(`.ict/index/twins/${provider}/${shard}`))).toEqual([]);
    const second = await later.collect({ packageBytes: 1 });
    expect(second.removed.map(({ kind }) => kind)).toEqual(['package', 'package']);
  });

  it('remove one whose package is gone', async () => {
    const { file } = await stored();
    await obtain();
    rmSync(join(rig.cacheDir, '.ict/used'), { recursive: true });
    rmSync(file);
    const { removed } = await (await rig.open()).collect({});
    expect(removed).toMatchObject([{ kind: 'twin', reason: 'its package is gone' }]);
  });

  it('keep one whose package lies in a cache that is only read', async () => {
    const own = { cacheDir: join(rig.root, 'own'), readOnlyDirs: [rig.cacheDir] };
    const twin = (await obtain(a, {}, await rig.open(own))) as string;
    expect(twin).toBe(join(own.cacheDir, '.ict/twins', provider, a.fileName));
    rmSync(join(own.cacheDir, '.ict/used'), { recursive: true });
    expect((await (await rig.open(own)).collect({})).removed).toEqual([]);
    rmSync(join(rig.cacheDir, 'pkgCache', provider, a.fileName));
    expect((await (await rig.open(own)).collect({})).removed).toMatchObject([{ kind: 'twin', reason: 'its package is gone' }]);
    expect(existsSync(twin)).toBe(false);
  });

  it('hash it, and prove it against its package', async () => {
    const file = (await obtain()) as string;
    const asked: unknown[] = [];
    const checkTwin = (answer: string | undefined) => async (twin: unknown) => {
      asked.push(twin);
      return answer;
    };
    expect(await cache.verify({ checkTwin: checkTwin(undefined) })).toMatchObject({ checked: { twin: 1, package: 1 }, findings: [] });
    expect(asked).toMatchObject([{ of: integrityFromDigest(a.digest), by: 'deb', version: 1, package: join(rig.cacheDir, 'pkgCache', provider, a.fileName) }]); // prettier-ignore
    const { findings } = await cache.verify({ checkTwin: checkTwin('it unpacks to something else') });
    expect(findings).toMatchObject([{ kind: 'twin', problem: 'damaged', detail: 'it unpacks to something else' }]);
    chmodSync(file, 0o644);
    writeFileSync(file, 'PLAIN content of a');
    const after = await cache.verify({ repair: true, checkTwin: checkTwin(undefined) });
    expect(after.findings).toMatchObject([{ kind: 'twin', problem: 'damaged', repaired: true, detail: expect.stringContaining(digestOf('PLAIN content of a')) }]); // prettier-ignore
    expect(existsSync(file)).toBe(false);
    expect((await cache.verify()).findings).toEqual([]);
  });
});
