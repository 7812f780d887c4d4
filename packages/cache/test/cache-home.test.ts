import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseCacheHome, claimCacheHome } from '../src/cache-home.js';
import { childScript, makeCacheRig, runInNamespace, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

/** What is chosen where the cache directory is a mount that is only read. */
function chosenReadOnly(temporaryDir: string): unknown {
  const places = { cacheDir: rig.cacheDir, workDir: '/builds', temporaryDir, readOnlyCacheDirs: ['/other'] };
  const script = childScript(
    rig.cacheDir,
    `const { chooseCacheHome } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
     console.log(JSON.stringify(await chooseCacheHome(${JSON.stringify(places)}, async () => undefined)));`,
  );
  return runInNamespace('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', rig.cacheDir, script);
}

/** Does something as a user who owns nothing here. */
async function asAnother(work: () => Promise<void>): Promise<void> {
  const euid = process.geteuid;
  process.geteuid = () => 12_345;
  try {
    await work();
  } finally {
    if (euid !== undefined) process.geteuid = euid;
  }
}

describe('the home of a cache', () => {
  const rest = { workDir: '/builds', temporaryDir: '/temporary' };

  it('is the configured directory when that can be written, or made, or is something else', async () => {
    await rig.open();
    mkdirSync(join(rig.root, 'empty'));
    for (const cacheDir of [rig.cacheDir, join(rig.root, 'new'), join(rig.root, 'empty'), rig.file('')]) {
      const home = await chooseCacheHome({ cacheDir, ...rest, readOnlyCacheDirs: ['/other'] }, async () => undefined);
      expect(home).toEqual({ cacheDir, readOnlyDirs: ['/other'], scratchDir: '/temporary' });
    }
  });

  it.each([
    ['workDir', 'pkgCache'],
    ['workDir', 'imageCache/work'],
    ['workDir', '.ict'],
    ['workDir', '.ict/work'],
    ['temporaryDir', 'pkgCache/temporary'],
    ['temporaryDir', 'imageCache'],
  ])('is none where %s is %s of the cache, which would take it for an entry', async (which, inside) => {
    const places = { cacheDir: '/cache', ...rest, [which]: join('/cache', inside) };
    await expect(chooseCacheHome(places, async () => undefined)).rejects.toMatchObject({ code: 'ICT_CACHE_NESTED', kind: 'usage' });
  });

  it.each([
    ['/cache', '/cache/.ict/tmp'],
    ['/cache/work', '/cache/temporary'],
    ['/cache/pkgCache-not', '/cache'],
    ['/', '/'],
  ])('may be the work directory, in it, or around it (%s, temporary %s)', async (workDir, temporaryDir) => {
    const home = await chooseCacheHome({ cacheDir: '/cache', workDir, temporaryDir }, async () => undefined);
    expect(home).toMatchObject({ cacheDir: '/cache', scratchDir: temporaryDir });
  });

  it.each([[['.ict/tmp']], [['.ict/tmp', '.ict/used', 'pkgCache']]])(
    'is in the work directory when that can only be read, even without %j',
    async (missing) => {
      await rig.open();
      const instead = { cacheDir: '/builds/.cache', readOnlyDirs: [rig.cacheDir, '/other'] };
      expect(chosenReadOnly(join(rig.cacheDir, '.ict', 'tmp'))).toEqual(instead);
      for (const path of missing) rmSync(join(rig.cacheDir, path), { recursive: true, force: true });
      expect(chosenReadOnly('/temporary')).toEqual({ ...instead, scratchDir: '/temporary' });
    },
  );

  it('keeps its trees in the work directory when it lies where none can be, and temporary files that do', async () => {
    const on = (...unfit: readonly string[]) =>
      chooseCacheHome({ cacheDir: '/storage', ...rest }, async (path) => (unfit.includes(path) ? 'NFS' : undefined));
    const trees = { cacheDir: '/storage', readOnlyDirs: [], treesDir: '/builds/.cache' };
    expect(await on('/storage')).toEqual({ ...trees, scratchDir: '/temporary' });
    expect(await on('/storage', '/temporary')).toEqual(trees);
    expect(await on('/temporary')).toEqual({ cacheDir: '/storage', readOnlyDirs: [] });
  });

  it('claims nothing when it is the configured directory, wherever that lies and whoever has it', async () => {
    const workDir = join(rig.root, 'work');
    for (const cacheDir of [rig.cacheDir, join(workDir, '.cache')]) {
      await asAnother(() => claimCacheHome({ cacheDir, readOnlyDirs: ['/other'] }, { ...rest, cacheDir, workDir }));
    }
    expect(existsSync(workDir)).toBe(false);
  });

  it('is made, and refused where others could have made it', async () => {
    const [workDir, others] = [join(rig.root, 'work'), join(rig.root, 'others')];
    const seed = { ...rest, cacheDir: '/seed', workDir };
    const home = { cacheDir: join(workDir, '.cache'), readOnlyDirs: ['/seed'] };
    await claimCacheHome(home, seed);
    await claimCacheHome(home, seed);
    expect(existsSync(home.cacheDir)).toBe(true);
    mkdirSync(others);
    const linked = join(others, '.cache');
    symlinkSync(home.cacheDir, linked);
    const refused = { code: 'ICT_CACHE_UNWRITABLE', facts: { directory: '/seed' } };
    await expect(claimCacheHome({ ...home, cacheDir: linked }, { ...seed, workDir: others })).rejects.toMatchObject(refused);
    const trees = { cacheDir: '/seed', treesDir: linked, readOnlyDirs: [] };
    await expect(claimCacheHome(trees, { ...seed, workDir: others })).rejects.toMatchObject(refused);
    await asAnother(() => expect(claimCacheHome(home, seed)).rejects.toMatchObject(refused));
  });

  it('is told with the directory in whose place it was to be, where it cannot be made', async () => {
    const workDir = '/sys/ict'; // where nobody makes a directory
    const home = { cacheDir: join(workDir, '.cache'), readOnlyDirs: ['/seed'] };
    await expect(claimCacheHome(home, { ...rest, cacheDir: '/seed', workDir })).rejects.toMatchObject({
      code: 'ICT_CACHE_UNWRITABLE',
      facts: { directory: '/seed', instead: home.cacheDir, reason: expect.stringMatching(/^E(ACCES|PERM|ROFS)$/) as string },
      hint: expect.stringContaining('--work-dir') as string,
    });
  });
});
