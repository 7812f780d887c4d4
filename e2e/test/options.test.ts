import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, Mini, type BuildPlaces, type IctResult } from '../src/index.js';

let mini: Mini;
let places: BuildPlaces;
let digest: string;
let lock: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'options');
  places = await mini.places();
  const { path, digest: made } = artifactOf(await mini.build(places), 'raw');
  digest = made;
  lock = path.replace(/\.raw$/, '.lock.yml');
});
afterAll(() => mini.close());

function codes(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'build.failed' ? [event.error.code] : []));
}

describe('ict build', () => {
  it('--verify full hashes every cached package, whatever the index says', async () => {
    const checks = (result: IctResult) => new Set(result.events.flatMap((event) => (event.type === 'package.cached' ? [event.check] : [])));
    expect(checks(await mini.build(places, ['--no-image-cache']))).toEqual(new Set(['signature']));
    const full = await mini.build(places, ['--no-image-cache', '--verify', 'full']);
    expect(full.status, full.stderr).toBe(0);
    expect(checks(full)).toEqual(new Set(['hash']));
    expect(artifactOf(full, 'raw').digest).toBe(digest);
  });

  it('--frozen builds from the lock that fits, and from nothing else', async () => {
    const template = await mini.template({});
    const beside = join(template, '..', 'template.lock.yml');
    expect(codes(await mini.buildTemplate(template, places, ['--frozen']))).toEqual(['ICT_LOCK_MISSING']);
    await writeFile(beside, await readFile(lock));
    const frozen = await mini.buildTemplate(template, places, ['--frozen']);
    expect(artifactOf(frozen, 'raw').digest).toBe(digest);
    expect(frozen.events.filter((event) => event.type === 'repository.pinned')).toEqual([]);
    const other = await mini.template({ system: { packages: ['mini-library'] } });
    const outdated = await mini.buildTemplate(other, places, ['--lock', lock, '--frozen']);
    expect(codes(outdated)).toEqual(['ICT_LOCK_OUTDATED']);
    expect(outdated.status).toBe(1);
  });

  it('builds the same image from a mirror in a directory, with one worker, and from the lock without metadata', async () => {
    const fresh = await mini.places();
    const url = pathToFileURL(mini.distribution.archive).href;
    const result = await mini.buildTemplate(mini.distribution.template, fresh, [
      '--workers',
      '1',
      '--lock',
      lock,
      ...mini.flags(url).slice(2),
    ]);
    expect(result.status, result.stderr).toBe(0);
    expect(artifactOf(result, 'raw').digest).toBe(digest);
  });

  it('--offline builds what is cached, and names all that is missing', async () => {
    const offline = await mini.build(places, ['--offline']);
    expect(offline.status, offline.stderr).toBe(0);
    await rm(join(places.cache, 'pkgCache', 'mini-mini1-x86_64', 'mini-library_1.2_all.deb'));
    const missing = await mini.build(places, ['--offline', '--no-image-cache']);
    expect(missing.status).toBe(6);
    expect(codes(missing)).toEqual(['ICT_PACKAGES_OFFLINE']);
    expect(missing.stderr).toContain('mini-library 1.2');
  });
});
