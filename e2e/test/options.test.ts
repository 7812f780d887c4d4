import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildArchive, buildDeb } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, Mini, rootTree, type BuildPlaces, type IctResult } from '../src/index.js';

const run = promisify(execFile);

let mini: Mini;
let places: BuildPlaces;
let digest: string;
let lock: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'options');
  places = await mini.places();
  const { path, digest: made } = artifactOf(await mini.build(places), 'raw');
  digest = made;
  // Later builds of the same name write theirs over it.
  lock = join(mini.root, 'first.lock.yml');
  await copyFile(path.replace(/\.raw$/, '.lock.yml'), lock);
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

describe('a choice among the files of packages', () => {
  const choice = { documentation: false, languages: ['de'] };
  const share = ['doc/mini-manual/copyright', 'doc/mini-manual/README', 'man/man1/mini.1', 'man/de/man1/mini.1'];
  const translations = ['locale/de/LC_MESSAGES/mini.mo', 'locale/fr/LC_MESSAGES/mini.mo'];
  const files = Object.fromEntries([...share, ...translations].map((path) => [`/usr/share/${path}`, path]));
  const manual = (version: string) => buildDeb({ name: 'mini-manual', version, files }, mini.root);
  const build = async (packages: readonly string[], args: readonly string[] = []): Promise<IctResult> => {
    const result = await mini.buildTemplate(await mini.template({ system: { ...choice, packages } }), places, args);
    expect(result.status, result.stderr).toBe(0);
    return result;
  };
  const missed = (result: IctResult) =>
    new Map(result.events.flatMap((event) => (event.type === 'step.miss' ? [[event.step, event.reason] as const] : [])));

  it('leaves documents and other languages out of the whole image, and of what is installed there later', async () => {
    const { spec } = mini.distribution;
    await buildArchive({ ...spec, debs: [...spec.debs, await manual('1')] });
    const result = await build(['mini-service', 'mini-manual']);
    expect(missed(result).get('ict.base')).toBe('input.fileChoice: nothing became {"documentation":false,"languages":["de"]}');
    const tree = await rootTree(artifactOf(result, 'raw').path, join(mini.root, 'tree'));
    const kept = async (directory: string): Promise<readonly string[]> => {
      const entries = await readdir(join(tree, 'usr/share', directory), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(tree.length));
    };
    const check = async (): Promise<void> => {
      expect((await kept('doc')).filter((path) => !path.endsWith('/copyright'))).toEqual([]);
      expect(await kept('doc')).toContain('/usr/share/doc/mini-manual/copyright');
      expect(await kept('man')).toEqual([]);
      expect(await kept('locale')).toEqual(['/usr/share/locale/de/LC_MESSAGES/mini.mo']);
    };
    await check();
    await copyFile(await manual('2'), join(tree, 'manual.deb'));
    await run('chroot', [tree, 'dpkg', '--install', '/manual.deb'], { env: { PATH: '/usr/sbin:/usr/bin' } });
    expect(await readFile(join(tree, 'var/lib/dpkg/status'), 'utf8')).toMatch(/^Package: mini-manual\n(?:.+\n)*Version: 2\n/m);
    await check();
  });

  it('holds for layers that begin with others, and is one that the cache tells apart', async () => {
    const more = await build(['mini-service', 'mini-manual', 'mini-tool'], ['--audit-cache']);
    expect(more.events.filter(({ type }) => type === 'install.way')).toMatchObject([{ way: 'delta' }]);
    const audited = more.events.flatMap((event) => (event.type === 'cache.audited' ? [[event.step, event.equal]] : []));
    expect(audited).toEqual(['ict.base', 'ict.packages', 'ict.configure', 'ict.initrd'].map((step) => [step, true]));
    const back = await mini.build(places, ['--lock', lock, '--no-image-cache']);
    expect(artifactOf(back, 'raw').digest).toBe(digest);
    expect([...missed(back).keys()]).toEqual([]);
  });
});
