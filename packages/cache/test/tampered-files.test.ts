import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { TwinMaker } from '../src/package-twins.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';
import { putFifo, putSocket } from './special-files.js';

/* Every kind of file that the stores answer with, by every way to tamper with one. Layers are proved by those who make them. */

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

/** What is stored of one thing; of another one that is as valid, everything is different. */
const contentOf = (name: string): string => `content of ${name} `.repeat(20);

/** What a build keeps, and gets back. */
interface Store {
  put(cache: Cache, name: string): Promise<unknown>;
  /** @returns its content, of all its files; undefined when it has to be made anew. */
  get(cache: Cache, name: string): Promise<string | undefined>;
  /** What `get` returns of what was put. */
  readonly sound: (name: string) => string;
}

const textOf = (file: string | undefined): string | undefined => (file === undefined ? undefined : readFileSync(file, 'utf8'));
const pkg = (name: string) => packageOf(name, contentOf(name));
const inputsOf = (name: string): Json => ({ of: name });

const packages: Store = {
  put: (cache, name) => cache.packages(provider).store(pkg(name), rig.file(contentOf(name))),
  async get(cache, name) {
    const found = await cache.packages(provider).lookup(pkg(name));
    return found.state === 'hit' ? textOf(found.file) : undefined;
  },
  sound: contentOf,
};

/** Whoever asks for a twin has verified the package, and gets one that is made anew where there is none. */
const twins: Store = {
  put: (cache, name) => obtainTwin(cache, name),
  get: async (cache, name) => textOf(await obtainTwin(cache, name)),
  sound: (name) => `plain ${contentOf(name)}`,
};
function obtainTwin(cache: Cache, name: string): Promise<string | undefined> {
  const maker: TwinMaker = {
    by: 'deb',
    version: 1,
    limitBytes: 2 ** 30,
    signal: new AbortController().signal,
    write: async (file, out) => writeFileSync(out, `plain ${readFileSync(file, 'utf8')}`),
  };
  return cache.twins(provider, maker).obtain({ ...pkg(name), file: rig.file(contentOf(name)) });
}

const blobs: Store = {
  put: (cache, name) => cache.blobs.putBytes(Buffer.from(contentOf(name))),
  get: async (cache, name) => textOf(await cache.blobs.path(pkg(name).digest)),
  sound: contentOf,
};

/** Whoever asks for a step takes an error of the system for a miss, and says so. */
const steps: Store = {
  put: (cache, name) => cache.steps.put('deb.install', inputsOf(name), contentOf(name), 'ict 1'),
  async get(cache, name) {
    try {
      return (await cache.steps.get('deb.install', inputsOf(name)))?.output as string | undefined;
    } catch (error) {
      if (systemErrorOf(error) === undefined) throw error;
      return undefined;
    }
  },
  sound: contentOf,
};

const memos: Store = {
  put: (cache, name) => cache.memo.set('kind', inputsOf(name), contentOf(name)),
  get: async (cache, name) => (await cache.memo.get('kind', inputsOf(name))) as string | undefined,
  sound: contentOf,
};

const images: Store = {
  async put(cache, name) {
    const { digest, sizeBytes } = pkg(name);
    const artifact = { name: 'mini.raw', type: 'raw', digest, sizeBytes, source: rig.file(contentOf(name)) };
    const documents = new Map([['mini.lock.yml', Buffer.from(`lock of ${name}`)]]);
    await cache.images.put(inputsOf(name), { artifacts: [artifact], documents }, 'ict 1');
  },
  async get(cache, name) {
    const { image } = await cache.images.find(inputsOf(name));
    return image?.files.map((file) => textOf(join(image.directory, file.name))).join('');
  },
  sound: (name) => `${contentOf(name)}lock of ${name}`,
};

/** Every kind of file: its store, a directory of the cache, and which of the files below are of that kind. */
const KINDS: readonly (readonly [string, Store, string, RegExp])[] = [
  ['package', packages, `pkgCache/${provider}`, /\.deb$/],
  ['record of a package', packages, '.ict/index/packages', /\.json$/],
  ['twin', twins, `.ict/twins/${provider}`, /\.deb$/],
  ['record of a twin', twins, '.ict/index/twins', /\.json$/],
  ['blob', blobs, '.ict/blobs/sha256', /[0-9a-f]{64}$/],
  ['record of a blob', blobs, '.ict/index/blobs', /\.json$/],
  ['record of a step', steps, '.ict/index/steps', /\.json$/],
  ['memo', memos, '.ict/memo', /\.json$/],
  ['image', images, 'imageCache', /\.raw$/],
  ['document of an image', images, 'imageCache', /\.lock\.yml$/],
  ['record of an image', images, 'imageCache', /meta\.json$/],
];

/** What someone does to a file. @param other a valid file of the same kind. */
type Tampering = (file: string, other: string) => unknown;

const WAYS: Readonly<Record<string, Tampering>> = {
  'cut off': (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
  emptied: (file) => truncateSync(file),
  'changed by one byte': flip,
  'changed with its size and times restored': (file) => {
    const { atime, mtime } = statSync(file);
    flip(file);
    utimesSync(file, atime, mtime);
  },
  'written over by another': (file, other) => overwrite(file, readFileSync(other)),
  'replaced by another': (file, other) => {
    rmSync(file);
    copyFileSync(other, file);
  },
  removed: (file) => rmSync(file),
  'made unreadable, but for root': (file) => chmodSync(file, 0),
  'replaced by a directory': (file) => {
    rmSync(file);
    mkdirSync(join(file, 'within'), { recursive: true });
  },
  'replaced by a link to a changed copy': (file) => {
    copyFileSync(file, `${file}.moved`);
    flip(`${file}.moved`);
    replaceByLink(file, `${file}.moved`);
  },
  'replaced by a link to another': (file, other) => replaceByLink(file, other),
  'replaced by a link to nothing': (file) => replaceByLink(file, `${file}.gone`),
  'replaced by a link to itself': (file) => replaceByLink(file, file),
  'replaced by a link to a device that never ends': (file) => replaceByLink(file, '/dev/zero'),
  'replaced by a FIFO': (file) => {
    rmSync(file);
    putFifo(file);
  },
  'replaced by a socket': (file) => {
    rmSync(file);
    return putSocket(file);
  },
};

function overwrite(file: string, bytes: Buffer): void {
  chmodSync(file, 0o644);
  writeFileSync(file, bytes);
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] as number) ^ 1;
  overwrite(file, bytes);
}

function replaceByLink(file: string, target: string): void {
  rmSync(file);
  symlinkSync(target, file);
}

/** The files of a kind, sorted. */
function filesOf(directory: string, names: RegExp): readonly string[] {
  return readdirSync(join(rig.cacheDir, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && names.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

describe.each(KINDS)('a %s', (_kind, store, directory, names) => {
  it.each(Object.keys(WAYS))('that was %s never is the answer, and is made anew, if need be', async (way) => {
    const writer = await rig.open();
    await store.put(writer, 'one');
    const [file] = filesOf(directory, names) as [string];
    await store.put(writer, 'another');
    const other = filesOf(directory, names).find((each) => each !== file) as string;
    expect(await store.get(await rig.open(), 'one')).toBe(store.sound('one'));

    await WAYS[way]?.(file, other);
    for (const mode of ['signature', 'full'] as const) {
      expect([undefined, store.sound('one')]).toContain(await store.get(await rig.open({ mode }), 'one'));
    }
    // What was beside it stays.
    const reader = await rig.open();
    expect(await store.get(reader, 'another')).toBe(store.sound('another'));

    if ((await store.get(reader, 'one')) === undefined) await store.put(reader, 'one');
    expect(await store.get(await rig.open(), 'one')).toBe(store.sound('one'));
  });
});
