import { execFile } from 'node:child_process';
import { appendFile, copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, repositoryRoot, sound, stepsOf, type BuildPlaces, type IctOptions, type IctResult } from '../src/index.js';
import { asUser, makeOrdinaryUser, placesOf, removeOrdinaryUser, type OrdinaryUser } from '../src/ordinary-user.js';

const run = promisify(execFile);

let mini: Mini;
/** What root built, and others take from. */
let seed: BuildPlaces;
let digest: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'shared-caches');
  seed = await mini.places();
  digest = artifactOf(await sound(mini.build(seed)), 'raw').digest;
});
afterAll(() => mini.close());

function names(result: IctResult, type: 'package.downloaded' | 'package.cached'): readonly string[] {
  return result.events.flatMap((event) => (event.type === type ? [event.name] : []));
}

function warnings(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
}

/** Everything that the file system says of everything below a directory, but when it was last read. */
async function stateOf(directory: string): Promise<string> {
  const { stdout } = await run('find', [directory, '-printf', '%P %i %n %m %U %s %T@ %C@\n'], { maxBuffer: 64 * 1024 ** 2 });
  return stdout.split('\n').sort().join('\n');
}

const program = join(repositoryRoot, 'node_modules', '.bin', 'ict');

/** Runs the command where these directories can only be read, even by root. */
function sealing(...directories: readonly string[]): IctOptions {
  const seal = directories.map((_, index) => `mount --bind "$${index + 1}" "$${index + 1}" && mount -o remount,bind,ro "$${index + 1}"`);
  const script = `${seal.join(' && ')} && shift ${directories.length} && exec "$@"`;
  return { command: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...directories, program] };
}

describe('a cache directory that can only be read', () => {
  let work: string;
  const flags = (): readonly string[] => ['--cache-dir', seed.cache, '--work-dir', work, ...mini.flags()];
  const sealed = (args: readonly string[]) => ict([...args, ...flags()], sealing(seed.cache));
  beforeAll(async () => {
    work = join(mini.root, 'work of the reader');
    await mkdir(work);
  });

  it('serves plan and why, and says once where else things are kept', async () => {
    const plan = await sound(sealed(['plan', mini.distribution.template, '--json']));
    const { packages, fetchBytes } = JSON.parse(plan.stdout) as { packages: { cached: boolean }[]; fetchBytes: number };
    expect(packages.every(({ cached }) => cached)).toBe(true);
    expect(fetchBytes).toBe(0);
    const why = await sound(sealed(['why', mini.distribution.template, 'mini-library']));
    expect(why.stderr.split('ICT_CACHE_READ_ONLY').length - 1, why.stderr).toBe(1);
    expect(why.stderr).toContain(join(work, '.cache'));
  });

  it('serves an unchanged build', async () => {
    const result = await sound(sealed(['build', mini.distribution.template, '--json']));
    expect(artifactOf(result, 'raw').digest).toBe(digest);
    expect(stepsOf(result, 'step.hit')).toEqual(['ict.image']);
    expect(names(result, 'package.downloaded')).toEqual([]);
    expect(warnings(result).filter((code) => code.startsWith('ICT_CACHE'))).toEqual(['ICT_CACHE_READ_ONLY']);
  });

  it('serves what a changed image shares, and keeps the rest for the next build', async () => {
    const changed = await mini.template({ system: { hostname: 'other' } });
    const first = await sound(sealed(['build', changed, '--json']));
    expect(names(first, 'package.downloaded')).toEqual([]);
    // Its base tree lies in the other work directory: made again, it is the same, and so what is upon it hits.
    expect(stepsOf(first, 'step.hit')).toEqual(['ict.packages']);
    const again = await sound(sealed(['build', changed, '--json']));
    expect(stepsOf(again, 'step.hit')).toEqual(['ict.image']);
    expect(artifactOf(again, 'raw').digest).toBe(artifactOf(first, 'raw').digest);
  });

  it('is listed beside what is kept elsewhere, with the place of each entry', async () => {
    const directories = ['--cache-dir', seed.cache, '--work-dir', work];
    const { stdout } = await sound(ict(['cache', 'list', '--kind', 'image', ...directories], sealing(seed.cache)));
    const rows = stdout.split('\n').filter((line) => line.startsWith('image'));
    expect(rows.map((row) => row.endsWith(`in ${seed.cache}`)).sort()).toEqual([false, true]);
  });
});

describe('a cache behind an empty one', () => {
  const behind = (...directories: readonly string[]): readonly string[] =>
    directories.flatMap((directory) => ['--read-only-cache-dir', directory]);

  it('serves a machine without network, from the base tree of its work directory on, and is not written', async () => {
    const changed = await mini.template({ system: { packages: ['mini-service'], hostname: 'another' } });
    const before = [await stateOf(seed.cache), await stateOf(seed.work)];
    const places = await mini.places();
    const result = await sound(mini.buildTemplate(changed, places, ['--offline', ...behind(seed.cache, seed.work)]));
    expect(names(result, 'package.downloaded')).toEqual([]);
    expect(stepsOf(result, 'step.hit')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
    expect(stepsOf(result, 'step.miss')).toEqual(expect.arrayContaining(['ict.image', 'ict.configure']));
    expect(warnings(result)).toEqual([]);
    expect([await stateOf(seed.cache), await stateOf(seed.work)]).toEqual(before);
  });

  it('serves another user, but with no trees, whose files have other owners for that one', async () => {
    const user: OrdinaryUser = await makeOrdinaryUser();
    try {
      const places = await placesOf(user, join(mini.root, 'user'));
      const template = join(mini.root, 'user', 'template.yml');
      await copyFile(mini.distribution.template, template);
      const options: IctOptions = { command: [...asUser(user), program], env: { HOME: places.temporary } };
      const result = await sound(mini.buildTemplate(template, places, behind(seed.cache), options));
      expect(stepsOf(result, 'step.hit')).toEqual(['ict.image']);
      expect(artifactOf(result, 'raw').digest).toBe(digest);
      const anew = await sound(mini.buildTemplate(template, places, [...behind(seed.cache, seed.work), '--no-image-cache'], options));
      expect(stepsOf(anew, 'step.hit')).toEqual(expect.arrayContaining(['ict.base', 'disk.assemble']));
      expect(stepsOf(anew, 'step.miss')).toContain('ict.packages');
      expect(names(anew, 'package.downloaded')).toEqual([]);
      expect(artifactOf(anew, 'raw').digest).toBe(digest);
    } finally {
      await removeOrdinaryUser(user.name);
    }
  });

  it('that was damaged costs work, and what is made is the same', async () => {
    const copy = join(mini.root, 'damaged');
    await run('cp', ['-a', seed.cache, copy]);
    const files = (await readdir(copy, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const wanted = /mini-library_|\.raw$|^[0-9a-f]{64}$|^hostname$/;
    const paths = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => wanted.test(basename(path)));
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) await appendFile(path, 'damage');
    const result = await sound(mini.build(await mini.places(), behind(copy)));
    expect(artifactOf(result, 'raw').digest).toBe(digest);
    expect(names(result, 'package.downloaded')).toContain('mini-library');
    expect(new Set(warnings(result))).toContain('ICT_CACHE_DAMAGED');
  });
});
