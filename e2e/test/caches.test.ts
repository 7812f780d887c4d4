import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildArchive, buildDeb } from '@ict/fixtures';
import type { Explanation } from '@ict/core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, forgetTrees, ict, Mini, repositoryRoot, sound, stepsOf, type BuildPlaces, type IctResult } from '../src/index.js';

const PROVIDER = 'mini-mini1-x86_64';
const extra = (number: number): string => `extra-${String(number).padStart(3, '0')}`;
const extras = (first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => extra(first + index));

let mini: Mini;
/** Size of each package of the archive in bytes, by name. */
const sizes = new Map<string, number>();

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'caches');
  const { spec } = mini.distribution;
  const made = join(mini.root, 'extras');
  await mkdir(made);
  const debs: string[] = [];
  for (const name of extras(1, 255))
    debs.push(await buildDeb({ name, version: '1', files: { [`/usr/share/${name}`]: name.repeat(50) } }, made));
  await buildArchive({ ...spec, debs: [...spec.debs, ...debs] });
  for (const file of await readdir(join(spec.root, 'pool', 'main'))) {
    sizes.set(file.split('_')[0] as string, (await stat(join(spec.root, 'pool', 'main', file))).size);
  }
});
afterAll(() => mini.close());

const template = (packages: readonly string[]): Promise<string> => mini.template({ system: { packages: ['mini-service', ...packages] } });

function names(result: IctResult, type: `package.${'downloaded' | 'verified' | 'stored' | 'cached' | 'invalid'}`): readonly string[] {
  return result.events.flatMap((event) => (event.type === type ? [event.name] : [])).sort();
}

/** What a build from nothing makes, in its order. */
const STEPS = ['ict.image', 'ict.base', 'ict.packages', 'ict.configure', 'ict.initrd', 'disk.assemble', 'ict.inventory'];

/** Packages that were asked of the server since so many requests, by name. */
function asked(before: number): readonly string[] {
  const files = mini.server.requests.slice(before).flatMap((request) => /\/pool\/main\/([^_]+)_/.exec(request)?.[1] ?? []);
  return files.sort();
}

/** Bytes of packages that a build downloaded. */
function bytes(result: IctResult): number {
  return result.events.reduce((sum, event) => sum + (event.type === 'package.downloaded' ? event.sizeBytes : 0), 0);
}

describe('what the caches save', () => {
  let places: BuildPlaces;
  let twoHundred: string;
  let first: IctResult;
  let all: readonly string[];

  beforeAll(async () => {
    places = await mini.places();
    twoHundred = await template(extras(1, 200));
    first = await sound(mini.buildTemplate(twoHundred, places));
    all = names(first, 'package.stored');
  });

  it('the first build downloads, verifies and stores each package once, and makes every step', () => {
    expect(all).toEqual(expect.arrayContaining([...extras(1, 200), 'mini-service', 'mini-library', 'libc6']));
    expect(new Set(all).size).toBe(all.length);
    expect(names(first, 'package.downloaded')).toEqual(all);
    expect(names(first, 'package.verified')).toEqual(all);
    expect(names(first, 'package.cached')).toEqual([]);
    expect(bytes(first)).toBe(all.reduce((sum, name) => sum + (sizes.get(name) as number), 0));
    expect(stepsOf(first, 'step.hit')).toEqual([]);
    expect(stepsOf(first, 'step.miss')).toEqual(STEPS);
  });

  it('an identical build takes the image, and downloads, verifies and makes nothing', async () => {
    const before = mini.server.requests.length;
    const again = await sound(mini.buildTemplate(twoHundred, places));
    expect(artifactOf(again, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
    expect(stepsOf(again, 'step.hit')).toEqual(['ict.image']);
    expect(stepsOf(again, 'step.miss')).toEqual([]);
    expect([names(again, 'package.downloaded'), names(again, 'package.verified'), asked(before)]).toEqual([[], [], []]);
  });

  it('an identical build in another time zone, with another language and mask of permissions, takes the image', async () => {
    const surroundings = { env: { TZ: 'Pacific/Auckland', LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8' }, umask: '077' };
    const again = await sound(mini.buildTemplate(twoHundred, places, [], surroundings));
    expect(stepsOf(again, 'step.hit')).toEqual(['ict.image']);
    expect(artifactOf(again, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
  });

  it('an identical build without the image cache takes every package and every step', async () => {
    const again = await sound(mini.buildTemplate(twoHundred, places, ['--no-image-cache']));
    expect(artifactOf(again, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
    expect(names(again, 'package.cached')).toEqual(all);
    expect(stepsOf(again, 'step.hit')).toEqual(STEPS.slice(1));
    expect(stepsOf(again, 'step.miss')).toEqual([]);
  });

  it('packages whose records were lost are adopted, with who vouches for them', async () => {
    const index = join(places.cache, '.ict', 'index', 'packages', PROVIDER);
    type Recorded = { readonly name: string; readonly signedBy?: { readonly signers: readonly string[] } };
    const vouched = async () => {
      const files = (await readdir(index, { recursive: true })).filter((name) => name.endsWith('.json'));
      const entries = await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(index, name), 'utf8')) as Recorded));
      return new Map(entries.map(({ name, signedBy }) => [name, signedBy]));
    };
    const before = await vouched();
    expect(before.get('mini-service')?.signers).toHaveLength(1);
    await rm(index, { recursive: true });
    const again = await sound(mini.buildTemplate(twoHundred, places, ['--no-image-cache']));
    expect(names(again, 'package.cached')).toEqual(all);
    expect(await vouched()).toEqual(before);
  });

  it('an image that shares 150 of 200 packages downloads the other 50, and starts from the same base', async () => {
    const before = mini.server.requests.length;
    const similar = await sound(mini.buildTemplate(await template(extras(51, 250)), places));
    for (const fetched of [asked(before), names(similar, 'package.downloaded'), names(similar, 'package.verified')])
      expect(fetched).toEqual(extras(201, 250));
    expect(bytes(similar)).toBe(extras(201, 250).reduce((sum, name) => sum + (sizes.get(name) as number), 0));
    expect(names(similar, 'package.cached')).toEqual(all.filter((name) => !extras(1, 50).includes(name)));
    expect(stepsOf(similar, 'step.hit')).toEqual(['ict.base']);
    expect(stepsOf(similar, 'step.miss')).toEqual(STEPS.filter((step) => step !== 'ict.base'));
  });

  it('five more packages cost five downloads, and the cache can say so before', async () => {
    const larger = await template([...extras(1, 200), ...extras(251, 255)]);
    const { cache, work, temporary } = places;
    const directories = ['--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary];
    const explained = await sound(ict(['cache', 'explain', larger, '--json', ...directories, ...mini.flags()]));
    const { steps: told, fetchBytes } = JSON.parse(explained.stdout) as Explanation;
    const step = (type: string) => told.find((one) => one.type === type);
    expect(fetchBytes).toBe(extras(251, 255).reduce((sum, name) => sum + (sizes.get(name) as number), 0));
    expect(step('ict.base')).toMatchObject({ verdict: 'hit' });
    const { verdict, differences, past, reason } = step('ict.packages') as Explanation['steps'][number];
    expect([verdict, past?.sizeBytes !== 0, past?.durationMs !== undefined]).toEqual(['miss', true, true]);
    expect(differences.map(({ path }) => path)).toEqual(extras(251, 255).map((name) => `input.packages["${name}:all"]`));
    expect(differences.every(({ position }) => position?.file === larger)).toBe(true);
    expect(new Set(differences.map(({ position }) => position?.line)).size).toBe(5);
    const before = mini.server.requests.length;
    const grown = await sound(mini.buildTemplate(larger, places));
    const missed = grown.events.find((event) => event.type === 'step.miss' && event.step === 'ict.packages');
    expect(missed).toMatchObject({ reason });
    for (const fetched of [asked(before), names(grown, 'package.downloaded'), names(grown, 'package.verified')])
      expect(fetched).toEqual(extras(251, 255));
    expect(bytes(grown)).toBe(fetchBytes);
    expect(names(grown, 'package.cached')).toEqual(all);
    expect(stepsOf(grown, 'step.hit')).toEqual(['ict.base']);
    expect(stepsOf(grown, 'step.miss')).toEqual(STEPS.filter((step) => step !== 'ict.base'));
  });

  it('a machine without any network builds what is cached, and lists all that is not', async () => {
    const command = ['unshare', '--net', join(repositoryRoot, 'node_modules', '.bin', 'ict')];
    const offline = ['--offline', '--no-image-cache'];
    const whole = await sound(mini.buildTemplate(twoHundred, places, offline, { command }));
    expect(artifactOf(whole, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
    const lost = ['extra-003_1_all.deb', 'extra-011_1_all.deb', 'mini-library_1.2_all.deb'];
    for (const name of lost) await rm(join(places.cache, 'pkgCache', PROVIDER, name));
    const lacking = await mini.buildTemplate(twoHundred, places, offline, { command });
    expect(lacking.status).toBe(6);
    const failed = lacking.events.find((event) => event.type === 'build.failed');
    expect(failed?.type === 'build.failed' ? failed.error.problems.map(({ message }) => message) : []).toEqual([
      'extra-003 1',
      'extra-011 1',
      'mini-library 1.2',
    ]);
  });
});

/** What lies in a directory; nothing when it is absent. */
async function ls(directory: string): Promise<readonly { readonly name: string; readonly ino: number }[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(names.map(async (name) => ({ name, ino: (await stat(join(directory, name))).ino })));
}

describe('an image that was built twice, the second time from packages alone,', () => {
  /** Each test leaves them with all that a build makes. */
  let places: BuildPlaces;
  let digest: string;
  let again: IctResult;
  let twinsOfFirst: ReadonlyMap<string, number>;

  /** Numbers of the files that are twins, by name. */
  const twins = async () => new Map((await ls(join(places.cache, '.ict', 'twins', PROVIDER))).map(({ name, ino }) => [name, ino]));

  beforeAll(async () => {
    places = await mini.places();
    digest = artifactOf(await sound(mini.build(places)), 'raw').digest;
    twinsOfFirst = await twins();
    await forgetTrees(places);
    again = await sound(mini.build(places));
  });

  it('packages that are unpacked again get twins, others none, and what is unpacked from those is the same', async () => {
    const packagesOf = (files: Iterable<string>): readonly string[] => [...files].map((name) => name.split('_')[0] as string).sort();
    expect(twinsOfFirst).toEqual(new Map());
    const made = await twins();
    const manifest = artifactOf(again, 'raw').path.replace(/raw$/, 'manifest.json');
    const { packages } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly packages: readonly { readonly name: string }[] };
    expect(packagesOf(made.keys())).toEqual(packages.map(({ name }) => name).sort());
    await forgetTrees(places);
    const third = await sound(mini.build(places));
    expect(await twins()).toEqual(made);
    expect([again, third].map((result) => artifactOf(result, 'raw').digest)).toEqual([digest, digest]);
    const verified = await ict(['cache', 'verify', '--cache-dir', places.cache]);
    expect(verified.status, verified.stdout + verified.stderr).toBe(0);
  });

  describe('each tier alone', () => {
    const flag = (tier: string, on: boolean): string => `--${on ? '' : 'no-'}${tier}-cache`;
    it.each(
      [true, false].flatMap((image) =>
        [true, false].flatMap((packages) => [true, false].map((layer) => [image, packages, layer] as const)),
      ),
    )('image %s, package %s, layer %s', async (image, packages, layer) => {
      const result = await sound(mini.build(places, [flag('image', image), flag('package', packages), flag('layer', layer)]));
      expect(artifactOf(result, 'raw').digest).toBe(digest);
      if (image) {
        expect(stepsOf(result, 'step.hit')).toEqual(['ict.image']);
        return;
      }
      expect(names(result, 'package.cached').length > 0).toBe(packages);
      expect(names(result, 'package.downloaded').length > 0).toBe(!packages);
      expect(names(result, 'package.stored')).toEqual([]);
      expect(stepsOf(result, 'step.hit').length > 0).toBe(layer);
      expect(stepsOf(result, 'step.miss').length > 0).toBe(!layer);
    });
  });

  it('collections and cleaning between builds leave a cache that builds the same image', async () => {
    const directories = ['--cache-dir', places.cache, '--work-dir', places.work];
    for (const argv of [
      ['gc', '--unused-days', '0'],
      ['clean', '--images'],
      ['clean', '--layers'],
      ['clean', '--workspace'],
      ['clean', '--all'],
    ]) {
      const cleaned = await ict(['cache', ...argv, ...directories]);
      expect(cleaned.status, cleaned.stderr).toBe(0);
      expect(artifactOf(await sound(mini.build(places)), 'raw').digest, argv.join(' ')).toBe(digest);
    }
  });
});

it('packages that no build used for as long as the configuration says go after each build', async () => {
  const places = await mini.places();
  const config = join(mini.root, 'one-day.yml');
  await writeFile(config, 'storage: { package_cache: { retention_days: 1 } }\n');
  const packages = () => readdir(join(places.cache, 'pkgCache', PROVIDER));
  await sound(mini.buildTemplate(await template(extras(1, 1)), places, ['--config', config]));
  const before = await packages();
  // As if that build had been two days ago.
  const used = join(places.cache, '.ict', 'used');
  for (const name of (await readdir(used, { recursive: true })).filter((one) => one.endsWith('.log'))) {
    const log = await readFile(join(used, name), 'utf8');
    await writeFile(
      join(used, name),
      log.replace(/^\d+/gm, (seconds) => `${Number(seconds) - 2 * 86_400}`),
    );
  }
  const second = await sound(mini.build(places, ['--config', config]));
  expect(second.events.filter(({ type }) => type === 'cache.collected')).toMatchObject([{ entries: 1 }]);
  expect(await packages()).toEqual(before.filter((name) => !name.startsWith(`${extra(1)}_`)));
});

it('images beyond the limit of the configuration go after each build', async () => {
  const places = await mini.places();
  const config = join(mini.root, 'one-image.yml');
  await writeFile(config, 'storage: { image_cache: { max_count: 1 } }\n');
  const images = () => readdir(join(places.cache, 'imageCache'));
  await sound(mini.build(places, ['--config', config]));
  const [first] = await images();
  const other = await mini.template({ system: { hostname: 'other' } });
  const second = await sound(mini.buildTemplate(other, places, ['--config', config]));
  expect(second.events.filter(({ type }) => type === 'cache.collected')).toMatchObject([{ entries: 1 }]);
  const left = await images();
  expect(left).toHaveLength(1);
  expect(left).not.toContain(first);
});
