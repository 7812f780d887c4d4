import { appendFileSync, chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

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
  const { checked, findings } = await cache.verify({ checkLayer: async ({ manifest }) => [`/etc/passwd of ${manifest}`], repair: true });
  expect(checked).toMatchObject({ layer: 1 });
  expect(findings).toMatchObject([{ kind: 'layer', problem: 'damaged', detail: '/etc/passwd of []', repaired: true }]);
  expect(await cache.layers.get(digest)).toBeUndefined();
});

function overwrite(path: string, content: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, content);
}
