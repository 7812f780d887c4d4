import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { Layout } from '../src/layout.js';
import { openLayout } from '../src/layout.js';
import { putFifo, putSocket } from './special-files.js';
import { currentOwner } from '../src/process-owner.js';
import { clearWreck } from '../src/wreck.js';
import { endProcesses, makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

const NOBODY = 65_534;
const CONTENT = 'content';
const DIGEST = digestOf(CONTENT);
const PACKAGE = packageOf('a', CONTENT);

let rig: CacheRig;
let precious: string;
beforeEach(() => {
  rig = makeCacheRig();
  precious = join(rig.root, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'of the user');
});
afterEach(() => {
  expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('of the user'); // no link was followed
  rig.close();
});

/** What may lie where the cache keeps something. */
const wrecks: Readonly<Record<string, (path: string) => unknown>> = {
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to nothing': (path) => symlinkSync(join(rig.root, 'nothing'), path),
  'a link to a directory': (path) => symlinkSync(precious, path),
  'a directory': (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), '');
  },
  'a FIFO': putFifo,
  'a socket': putSocket,
  'a link to a device that never ends': (path) => symlinkSync('/dev/zero', path),
};

async function wreck(what: string, path: string): Promise<void> {
  expect(existsSync(path)).toBe(true);
  rmSync(path, { recursive: true });
  await wrecks[what]?.(path);
}

/** The only file below a directory of the cache whose name ends like this. */
const below = (directory: string, ending: string): string => {
  const root = join(rig.cacheDir, directory);
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
  expect(found).toHaveLength(1);
  return join(root, found[0] as string);
};

/** One thing that builds keep: a build that finds it or makes it, and says whether it found it. */
interface Kept {
  readonly build: (cache: Cache) => Promise<boolean>;
  readonly places: Readonly<Record<string, () => string>>;
}

const kept: Readonly<Record<string, Kept>> = {
  blob: {
    build: async (cache) => {
      const found = (await cache.blobs.path(DIGEST)) !== undefined;
      if (!found) await cache.blobs.putFile(rig.file(CONTENT));
      return found;
    },
    places: { blob: () => below('.ict/blobs', DIGEST.slice(-64)), record: () => below('.ict/index/blobs', '.json') },
  },
  package: {
    build: async (cache) => {
      const found = (await cache.packages(provider).lookup(PACKAGE)).state === 'hit';
      if (!found) await cache.packages(provider).store(PACKAGE, rig.file(CONTENT));
      return found;
    },
    places: { file: () => below('pkgCache', '.deb'), record: () => below('.ict/index/packages', '.json') },
  },
  twin: {
    build: async (cache) => {
      let made = false;
      const write = async (_file: string, to: string): Promise<void> => {
        made = true;
        writeFileSync(to, 'twin');
      };
      const maker = { by: 'deb', version: 1, limitBytes: 1_000_000, signal: new AbortController().signal, write };
      const twin = await cache.twins(provider, maker).obtain({ ...PACKAGE, file: rig.file(CONTENT) });
      expect(readFileSync(twin as string, 'utf8')).toBe('twin');
      return !made;
    },
    places: { file: () => below('.ict/twins', '.deb'), record: () => below('.ict/index/twins', '.json') },
  },
  step: {
    build: async (cache) => {
      const found = (await cache.steps.get('acme.make', 'inputs').catch(() => undefined)) !== undefined;
      if (!found) await cache.steps.put('acme.make', 'inputs', 'output', 'ict');
      return found;
    },
    places: { record: () => below('.ict/index/steps', '.json') },
  },
  memo: {
    build: async (cache) => {
      const found = (await cache.memo.get('asked', 1)) !== undefined;
      if (!found) await cache.memo.set('asked', 1, 2);
      return found;
    },
    places: { record: () => below('.ict/memo/asked', '.json') },
  },
  layer: {
    build: async (cache) => {
      const found = (await cache.layers.get(DIGEST)) !== undefined;
      if (found) return true;
      const staged = await cache.layers.stage();
      writeFileSync(join(staged.upper, 'file'), CONTENT);
      await cache.layers.publish(staged, DIGEST, { manifest: '[]', signature: '{}' });
      return false;
    },
    places: {
      layer: () => dirname(below('.ict/layers', 'manifest.json')),
      manifest: () => below('.ict/layers', 'manifest.json'),
      signature: () => below('.ict/layers', 'signature.json'),
      tree: () => join(dirname(below('.ict/layers', 'manifest.json')), 'fs', '.'),
    },
  },
  image: {
    build: async (cache) => {
      const found = (await cache.images.find({ a: 1 })).image !== undefined;
      const artifact = { name: 'x.raw', type: 'raw', digest: DIGEST, sizeBytes: CONTENT.length, source: rig.file(CONTENT) };
      if (!found) await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map() }, 'ict');
      return found;
    },
    places: {
      image: () => dirname(below('imageCache', 'x.raw')),
      file: () => below('imageCache', 'x.raw'),
      record: () => below('imageCache', 'meta.json'),
    },
  },
};

const cases = Object.entries(kept).flatMap(([kind, { places }]) =>
  Object.keys(places).flatMap((part) => Object.keys(wrecks).map((what) => [kind, part, what] as const)),
);

describe('what lies in the place of something kept and is none makes way for it', () => {
  it.each(cases)('(%s, its %s: %s)', async (kind, part, what) => {
    const { build, places } = kept[kind] as Kept;
    expect([await build(await rig.open()), await build(await rig.open())]).toEqual([false, true]);
    await wreck(what, (places[part] as () => string)());
    const wrecked = await (await rig.open()).verify({ checkLayer: async () => undefined });
    expect(wrecked.findings.map(({ problem }) => problem)).not.toContain('unreadable'); // what that is stays
    await build(await rig.open());
    rig.events.length = 0;
    rig.hashed.length = 0;
    expect(await build(await rig.open())).toBe(true);
    expect([rig.warnings(), rig.hashed]).toEqual([[], []]);
    const { findings } = await (await rig.open()).verify({ checkLayer: async () => undefined });
    expect(findings.filter(({ problem }) => problem !== 'foreign')).toEqual([]);
  });

  it.each(Object.keys(wrecks))('(the graph of packages: %s)', async (what) => {
    const graph = join(rig.cacheDir, 'pkgCache', provider, 'chrootpkgs.dot');
    const draw = async (): Promise<void> => (await rig.open()).packages(provider).writeGraph('digraph {}');
    await draw();
    await wreck(what, graph);
    await draw();
    expect(lstatSync(graph).isFile()).toBe(true);
    expect([readFileSync(graph, 'utf8'), rig.warnings()]).toEqual(['digraph {}', []]);
  });

  it.each(Object.keys(wrecks))('(a lock: %s)', async (what) => {
    const cache = await rig.open({ leases: { pollMs: 1, staleMs: 1e9 } });
    await wrecks[what]?.(join(rig.cacheDir, '.ict/locks/work.lock'));
    expect(await cache.withLock('work', async () => 'worked')).toBe('worked');
    expect(rig.list('.ict/locks')).toEqual([]);
  });

  it.each(Object.keys(wrecks))('(the journal of a process: %s)', async (what) => {
    const cache = await rig.open();
    await cache.memo.set('asked', 1, 2);
    await cache.steps.put('acme.make', 'inputs', 'output', 'ict');
    await wreck(what, below('.ict/used', '.log'));
    await cache.steps.put('acme.make', 'others', 'output', 'ict');
    expect(readFileSync(below('.ict/used', '.log'), 'utf8')).toMatch(/^1000 step [0-9a-f]{64}\n$/);
  });

  it('(the journal of a process: a link to a file) is not written through, also when root shares the cache of a user', async () => {
    const cache = await rig.open();
    await cache.steps.put('acme.make', 'inputs', 'output', 'ict');
    const log = below('.ict/used', '.log');
    const elsewhere = rig.file('of somebody');
    rmSync(log);
    symlinkSync(elsewhere, log);
    await cache.steps.put('acme.make', 'others', 'output', 'ict');
    expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody');
    expect(await cache.steps.get('acme.make', 'others')).toMatchObject({ output: 'output' });
  });

  it.each(Object.keys(wrecks))('(the journal of processes before: %s)', async (what) => {
    await wrecks[what]?.(join((await openLayout(rig.cacheDir, currentOwner())).area('used'), 'summary.log'));
    rig.time = 1000 + 2 * 24 * 3600;
    await (await rig.open()).steps.put('acme.make', 'inputs', 'output', 'ict');
    endProcesses(rig);
    rig.time = 1000; // what is used ahead of the clock is written down anew
    await (await rig.open()).collect({});
    expect(readFileSync(join(rig.cacheDir, '.ict/used/summary.log'), 'utf8')).toMatch(/^1000 step [0-9a-f]{64}\n$/);
  });

  it.each(Object.keys(wrecks))('but not for the version, which is asked for (%s)', async (what) => {
    await rig.open();
    await wreck(what, join(rig.cacheDir, '.ict/VERSION'));
    const opening = rig.open();
    if (what === 'a link to nothing') await opening;
    else await expect(opening).rejects.toMatchObject({ code: 'ICT_CACHE_VERSION' });
  });

  it('and stays where it leads to a file that is right', async () => {
    const { build, places } = kept['blob'] as Kept;
    await build(await rig.open());
    const blob = (places['blob'] as () => string)();
    const elsewhere = join(rig.root, 'elsewhere');
    renameSync(blob, elsewhere);
    symlinkSync(elsewhere, blob);
    const cache = await rig.open();
    await cache.blobs.putFile(rig.file(CONTENT));
    expect(lstatSync(blob).isSymbolicLink()).toBe(true);
    expect(await cache.blobs.path(DIGEST)).toBe(blob);
  });

  it('and stays where it leads to a layer', async () => {
    const { build, places } = kept['layer'] as Kept;
    await build(await rig.open());
    const layer = (places['layer'] as () => string)();
    const elsewhere = join(rig.root, 'elsewhere');
    renameSync(layer, elsewhere);
    symlinkSync(elsewhere, layer);
    const cache = await rig.open();
    const staged = await cache.layers.stage();
    expect((await cache.layers.publish(staged, DIGEST, { manifest: '[]', signature: '{}' })).existed).toBe(true);
    expect([lstatSync(layer).isSymbolicLink(), readdirSync(elsewhere).sort()]).toEqual([true, ['fs', 'manifest.json', 'signature.json']]);
    expect(rig.warnings()).toEqual([]);
  });
});

describe('a place that is freed', () => {
  let layout: Layout;
  let path: string;
  beforeEach(async () => {
    layout = await openLayout(rig.cacheDir, currentOwner());
    path = join(layout.area('blobs'), 'place');
    symlinkSync(path, path);
  });

  it.each<[string, () => void]>([
    ['a file', () => writeFileSync(path, 'of another process')],
    ['nothing', () => undefined],
  ])('keeps %s that another process left there at that moment', async (_what, put) => {
    let aside: string | undefined;
    const racing: Pick<Layout, 'setAside' | 'putBack'> = {
      ...layout,
      setAside: async (wrecked) => {
        rmSync(path, { force: true });
        put();
        return (aside = await layout.setAside(wrecked));
      },
    };
    await clearWreck(racing, path);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(_what === 'a file' ? 'of another process' : undefined);
    expect(aside === undefined || !existsSync(aside)).toBe(true);
  });

  it.each([
    ['', false],
    [', unless another took its place', true],
  ])('is that again of a file of another user who shares the cache%s', async (_but, taken) => {
    rmSync(path);
    writeFileSync(path, 'of another user', { mode: 0o444 });
    for (const directory of [rig.root, layout.area('blobs'), layout.area('trash')]) chmodSync(directory, 0o777);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      const aside = (await layout.setAside(path)) as string;
      if (taken) writeFileSync(path, 'new');
      expect(await layout.putBack(aside, path)).toBe(!taken);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(readFileSync(path, 'utf8')).toBe(taken ? 'new' : 'of another user');
  });

  it('is not taken from what a third process put there meanwhile', async () => {
    const racing: Pick<Layout, 'setAside' | 'putBack'> = {
      ...layout,
      setAside: async (wrecked) => {
        rmSync(path);
        writeFileSync(path, 'second');
        const aside = await layout.setAside(wrecked);
        writeFileSync(path, 'third');
        return aside;
      },
    };
    await clearWreck(racing, path);
    expect(readFileSync(path, 'utf8')).toBe('third');
  });
});
