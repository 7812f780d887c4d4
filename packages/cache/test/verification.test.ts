import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { Verification } from '../src/verification.js';
import { endProcesses, makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

const NOBODY = 65_534;

let rig: CacheRig;
let cache: Cache;
let blob: string;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
  await cache.packages(provider).store(packageOf('a', 'content of a'), rig.file('content of a'));
  const made = await cache.blobs.putBytes(Buffer.from('disk'));
  blob = (await cache.blobs.path(made.digest)) as string;
  await cache.steps.put('acme.make', { colour: 'red' }, { blob: { ...made } } as unknown as Json, 'ict');
  const artifact = { name: 'x.raw', type: 'raw', digest: made.digest, sizeBytes: 4, source: blob };
  await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map() }, 'ict');
});
afterEach(() => rig.close());

const file = (name: string): string => join(rig.cacheDir, 'pkgCache', provider, name);
const only = (directory: string): string => {
  const [found] = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return join(directory, found as string);
};

it('finds nothing wrong with a sound cache', async () => {
  expect(await cache.verify()).toEqual({ checked: { package: 1, blob: 1, step: 1, image: 1 }, findings: [] });
});

it.each<[string, object, () => void]>([
  ['package', { kind: 'package', problem: 'damaged' }, () => overwrite(file('a_1.0-1_amd64.deb'), 'cuntent of a')],
  ['package that is gone', { kind: 'package', problem: 'dangling' }, () => rmSync(file('a_1.0-1_amd64.deb'))],
  ['package that nobody knows', { kind: 'package', problem: 'foreign' }, () => writeFileSync(file('b_1.deb'), 'b')],
  ['blob that is gone', { kind: 'blob', problem: 'dangling' }, () => rmSync(blob)],
  ['step', { kind: 'step', problem: 'damaged' }, () => appendFileSync(only(join(rig.cacheDir, '.ict/index/steps')), '}')],
  ['image', { kind: 'image', problem: 'damaged' }, () => overwrite(only(join(rig.cacheDir, 'imageCache')), '{}')],
])('finds a wrong %s; repairing takes away what is wrong, and nothing else', async (_, finding, damage) => {
  damage();
  const { findings } = await cache.verify();
  expect(findings).toMatchObject([{ ...finding, repaired: false }]);
  const foreign = findings[0]?.problem === 'foreign';
  expect((await cache.verify({ repair: true })).findings).toMatchObject([{ ...finding, repaired: !foreign }]);
  expect((await cache.verify()).findings).toHaveLength(foreign ? 1 : 0);
});

it('finds a damaged blob, and the image that shares it', async () => {
  overwrite(blob, 'dusk');
  const { findings } = await cache.verify({ repair: true });
  expect(findings.map(({ kind, problem }) => [kind, problem])).toEqual([
    ['blob', 'damaged'],
    ['image', 'damaged'],
  ]);
  expect(existsSync(blob)).toBe(false);
});

it('asks whoever can read layers', async () => {
  const staged = await cache.layers.stage();
  const digest = `sha256:${'a'.repeat(64)}` as Parameters<typeof cache.layers.publish>[1];
  await cache.layers.publish(staged, digest, { manifest: '[]', signature: '{}' });
  expect((await cache.verify()).checked).not.toHaveProperty('layer');
  const { checked, findings } = await cache.verify({
    checkLayer: async ({ manifest }) => ({ problem: 'damaged', detail: `/etc/passwd of ${manifest}` }),
    repair: true,
  });
  expect(checked).toMatchObject({ layer: 1 });
  expect(findings).toMatchObject([{ kind: 'layer', problem: 'damaged', detail: '/etc/passwd of []', repaired: true }]);
  expect(await cache.layers.get(digest)).toBeUndefined();
});

describe('what the system does not let be read', () => {
  const failing = (code: string, wanted: (path: string) => boolean): Parameters<CacheRig['open']>[0] => ({
    digestFile: (path, algorithm = 'sha256') =>
      wanted(path) ? Promise.reject(Object.assign(new Error(code), { code })) : hashFile(path, { algorithm }),
  });

  it.each(['EIO', 'EACCES', 'ESTALE'])('because of %s is told as such, and stays', async (code) => {
    const reading = await rig.open(failing(code, (path) => path.includes('pkgCache') || path === blob));
    const unread = { problem: 'unreadable', detail: `it cannot be read: ${code}`, repaired: false };
    for (const repair of [false, true]) {
      const { findings } = await reading.verify({ repair });
      expect(findings).toMatchObject([
        { kind: 'package', ...unread },
        { kind: 'blob', ...unread },
      ]);
    }
    expect(existsSync(blob)).toBe(true);
    expect(existsSync(file('a_1.0-1_amd64.deb'))).toBe(true);
    expect((await cache.verify()).findings).toEqual([]);
  });

  it.each<[string, () => string]>([
    ['blob', () => blob],
    ['package', () => file('a_1.0-1_amd64.deb')],
  ])('is not what is no file: that is damage, told once (%s)', async (kind, place) => {
    rmSync(place());
    symlinkSync(place(), place());
    for (const repair of [false, true]) {
      const { findings } = await cache.verify({ repair });
      expect(findings).toMatchObject([{ kind, path: place(), problem: 'damaged', detail: 'it cannot be read: ELOOP', repaired: repair }]);
    }
    expect(lstatSync(place(), { throwIfNoEntry: false })).toBeUndefined();
    expect((await cache.verify()).findings).toEqual([]);
  });

  /** Verifies as a user who may not look into a directory. */
  async function verifyBeside(directory: string): Promise<Verification> {
    const looking = await rig.open();
    chmodSync(directory, 0);
    chmodSync(rig.root, 0o755);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      return await looking.verify({ repair: true });
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(directory, 0o755);
    }
  }
  const UNREAD = { problem: 'unreadable', detail: 'it cannot be read: EACCES', repaired: false };

  it('is a directory of records, too, and the rest is looked at all the same', async () => {
    const directory = join(rig.cacheDir, '.ict/index/packages', provider);
    const { checked, findings } = await verifyBeside(directory);
    expect(findings).toMatchObject([
      { kind: 'package', id: provider, path: directory, ...UNREAD },
      { kind: 'package', problem: 'foreign', repaired: false },
    ]);
    expect(checked).toMatchObject({ package: 1, step: 1 });
    expect((await cache.verify()).findings).toEqual([]);
  });

  it.each([
    ['package', 'pkgCache'],
    ['package', `pkgCache/${provider}`],
    ['blob', '.ict/blobs/sha256'],
    ['step', '.ict/index/steps'],
    ['step', '.ict/index/steps/acme.make'],
    ['image', 'imageCache'],
  ])('is a directory in which entries lie, too (%s, %s)', async (kind, name) => {
    const path = join(rig.cacheDir, name);
    const { findings } = await verifyBeside(path);
    expect(findings).toContainEqual({ kind, id: basename(path), path, ...UNREAD });
    expect(findings.filter(({ repaired }) => repaired)).toEqual([]);
    expect((await cache.verify()).findings).toEqual([]);
  });

  it('is a layer that whoever looks at it could not read', async () => {
    const staged = await cache.layers.stage();
    const digest = `sha256:${'a'.repeat(64)}` as Parameters<typeof cache.layers.publish>[1];
    await cache.layers.publish(staged, digest, { manifest: '[]', signature: '{}' });
    const { findings } = await cache.verify({ checkLayer: async () => ({ problem: 'unreadable', detail: 'EIO' }), repair: true });
    expect(findings).toMatchObject([{ kind: 'layer', problem: 'unreadable', repaired: false }]);
    expect(await cache.layers.get(digest)).toBeDefined();
  });
});

it('passes over what a build replaces while it is looked at', async () => {
  const name = 'a_1.0-1_amd64.deb';
  const replacing = await rig.open({
    digestFile: async (path, algorithm = 'sha256') => {
      const identity = await hashFile(path, { algorithm });
      if (path === file(name)) {
        renameSync(rig.file('content of a'), path);
        return { ...identity, digest: digestOf('what lay there before') };
      }
      return identity;
    },
  });
  const { checked, findings } = await replacing.verify({ repair: true });
  expect([checked.package, findings]).toEqual([undefined, []]);
  expect(existsSync(file(name))).toBe(true);
});

it('notes no use of what it looks at', async () => {
  const staged = await cache.layers.stage();
  const digest = `sha256:${'a'.repeat(64)}` as Parameters<typeof cache.layers.publish>[1];
  await cache.layers.publish(staged, digest, { manifest: '[]', signature: '{}' });
  const looking = await rig.open();
  await looking.verify({ checkLayer: async () => undefined });
  endProcesses(rig);
  const used = readdirSync(join(rig.cacheDir, '.ict/used'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
  const lines = used.flatMap((name) => readFileSync(join(rig.cacheDir, '.ict/used', name), 'utf8').split('\n'));
  expect(lines.filter((line) => line.includes(' layer '))).toHaveLength(1); // that of who published it
});

it('leaves what is in directories of another user, and says so', async () => {
  overwrite(file('a_1.0-1_amd64.deb'), 'cuntent of a');
  const directory = join(rig.cacheDir, 'pkgCache', provider);
  const trashing = await rig.open();
  chmodSync(directory, 0o555);
  chmodSync(rig.root, 0o755);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    const { findings } = await trashing.verify({ repair: true });
    expect(findings).toMatchObject([{ kind: 'package', problem: 'damaged', repaired: false }]);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(directory, 0o755);
  }
  expect(existsSync(file('a_1.0-1_amd64.deb'))).toBe(true);
});

function overwrite(path: string, content: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, content);
}
