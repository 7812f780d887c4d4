/*
 * What must be found in the cache, and what must not. Where each case is tested:
 *
 * | Case                                          | Expected                     | Test                                                          |
 * | --------------------------------------------- | ---------------------------- | ------------------------------------------------------------- |
 * | same version published again, other bytes     | miss; the old bytes hit again | below                                                         |
 * | newer signed root, same packages              | layers hit, image misses     | below                                                         |
 * | sudo or plain, time zone, locale, umask, home | hit                          | below; another user: surroundings.test.ts                     |
 * | trees of another user, whose owners differ    | miss                         | surroundings.test.ts; cache/layer-store.test.ts               |
 * | as a bundle, as separate modules              | hit                          | below                                                         |
 * | version of the image, another artifact        | layers hit, image misses     | below                                                         |
 * | other packages, the order in a template       | miss; hit                    | core/image-cache.test.ts; reproducible.test.ts                |
 * | only times of a file                          | hit                          | layers.test.ts, "does not see times of inputs"                |
 * | mode of a file                                | miss                         | layers.test.ts, the same                                      |
 * | a file more, a file gone                      | miss                         | layers.test.ts, "the key of a layer"                          |
 * | a file that a layer removes stays removed     | -                            | sandbox/layers.test.ts (whiteouts)                            |
 * | `a,bc` against `ab,c`                         | miss                         | cache/package-cache.test.ts; layers.test.ts ("ends")          |
 * | another parent with equal content             | hit                          | layers.test.ts, "that comes out the same"                     |
 * | env named like a place of the template        | miss                         | core/image-cache.test.ts, "with layers"                       |
 * | clock moved backwards                         | hit, nothing collected       | surroundings.test.ts; cache/clock.test.ts                     |
 * | same key at the same time                     | one result, whole            | cache/package-cache.test.ts, "many writers"; soak.test.ts     |
 * | disk full in the middle of storing            | error, cache intact          | full-disks.test.ts; cache/cache.test.ts                       |
 * | cut off, one bit, replaced, of every kind     | never used, made anew        | damaged-files.test.ts                                         |
 * | a server that sends other bytes               | error                        | failures.test.ts, "another package is served in its place"    |
 * | killed at any moment                          | nothing lost or left         | cache/kills.test.ts; soak.test.ts; `npm run soak`             |
 * | tools, which most images need no program of   | unpacked where one runs      | below                                                         |
 * | directories removed by hand, also meanwhile   | made anew                    | removed-directories.test.ts; core/base-tree.test.ts           |
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildArchive, buildDeb } from '@ict/fixtures';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import {
  artifactOf,
  ict,
  Mini,
  miniTemplate,
  repositoryRoot,
  smallDisk,
  stepsOf,
  type BuildPlaces,
  type IctOptions,
  type IctResult,
} from '../src/index.js';

const run = promisify(execFile);

/** No file of an image is younger, whichever signed root its packages come from. */
const EPOCH = { SOURCE_DATE_EPOCH: '1760000000' };

let mini: Mini;
let places: BuildPlaces;
let digest: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'cache-keys');
  places = await mini.places();
  digest = artifactOf(await built(), 'raw').digest;
});
afterAll(() => mini.close());

async function built(args: readonly string[] = [], { env, ...options }: IctOptions = {}): Promise<IctResult> {
  const result = await mini.build(places, args, { ...options, env: { ...EPOCH, ...env } });
  expect(result.status, result.stderr).toBe(0);
  return result;
}

function downloaded(result: IctResult): readonly string[] {
  return result.events.flatMap((event) => (event.type === 'package.downloaded' ? [event.name] : []));
}

it('who runs it, where and when in the world, makes no difference: every step hits', async () => {
  const sudo = { SUDO_USER: 'ada', SUDO_UID: '1000', SUDO_GID: '1000', SUDO_COMMAND: 'ict', USER: 'root', LOGNAME: 'root' };
  const elsewhere = { HOME: '/home/ada', TZ: 'Pacific/Kiritimati', LANG: 'de_DE.UTF-8', LC_ALL: 'C' };
  const options = { env: { ...sudo, ...elsewhere }, umask: '0077', cwd: '/' };
  const result = await built(['--no-image-cache'], options);
  expect(stepsOf(result, 'step.miss')).toEqual([]);
  expect(artifactOf(result, 'raw').digest).toBe(digest);
  expect(stepsOf(await built([], { ...options, env: { ...options.env, TZ: 'Pacific/Pago_Pago' } }), 'step.hit')).toEqual(['ict.image']);
});

it('as a bundle and as separate modules it is the same code: every step hits', async () => {
  const separate = join(mini.root, 'separate-modules.mjs');
  const main = pathToFileURL(join(repositoryRoot, 'packages', 'cli', 'dist', 'main.js')).href;
  await writeFile(separate, `import { main } from ${JSON.stringify(main)};\nawait main(process.argv.slice(2));\n`);
  const command = [process.execPath, separate];
  const version = async (options: IctOptions) => JSON.parse((await ict(['version', '--json'], options)).stdout) as { code: string };
  expect(await version({}), 'the bundle is stale: run `npm run build`').toMatchObject({ code: 'bundle' });
  expect(await version({ command })).toMatchObject({ code: 'modules' });
  expect(stepsOf(await built(['--no-image-cache'], { command }), 'step.miss')).toEqual([]);
  expect(stepsOf(await built([], { command }), 'step.hit')).toEqual(['ict.image']);
});

it('tools are locked and unpacked where a program of them runs: for an ext3, and for no ext4', async () => {
  const planned = async (template: string): Promise<readonly string[]> => {
    const { cache, work, temporary } = places;
    const directories = ['--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary];
    const { stdout } = await ict(['plan', template, '--json', ...directories, ...mini.flags()], { env: EPOCH });
    return (JSON.parse(stdout) as { steps: readonly { type: string }[] }).steps.map(({ type }) => type);
  };
  const again = await built(['--no-image-cache']);
  expect(stepsOf(again, 'step.hit')).not.toContain('ict.tools');
  expect(await readFile(artifactOf(again, 'raw').path.replace(/raw$/, 'lock.yml'), 'utf8')).toMatch(/^tools: \[\]$/m);
  expect(await planned(mini.distribution.template)).not.toContain('ict.tools');

  const oddName = { name: 'odd', run: ["touch /etc/$(printf '\\357\\277\\275')"] };
  const odd = await mini.template(stringify({ ...miniTemplate(), layers: [oddName] }));
  const rare = await mini.buildTemplate(odd, places, [], { env: EPOCH });
  expect(rare.status, rare.stderr).toBe(0);
  expect(stepsOf(rare, 'step.miss')).not.toContain('ict.tools');
  const image = `${artifactOf(rare, 'raw').path}?offset=${41 * 2 ** 20}`;
  expect((await run('debugfs', ['-R', 'ls -p /etc', image])).stdout).toContain('/\ufffd/');

  const ext3 = await mini.template({ disk: smallDisk('Mini', '112MiB', 'ext3') });
  expect((await planned(ext3)).slice(0, 2)).toEqual(['ict.image', 'ict.tools']);
  for (const type of ['step.miss', 'step.hit'] as const) {
    const made = await mini.buildTemplate(ext3, places, ['--no-image-cache'], { env: EPOCH });
    expect(made.status, made.stderr).toBe(0);
    expect(stepsOf(made, type)).toContain('ict.tools');
  }
});

it('another version of the image, and one more file of it, are made of the same layers', async () => {
  const template = await mini.template({
    image: { version: '2.0' },
    disk: { artifacts: [{ type: 'raw' }, { type: 'raw', compression: 'gz' }] },
  });
  const result = await mini.buildTemplate(template, places, [], { env: EPOCH });
  expect(result.status, result.stderr).toBe(0);
  expect(stepsOf(result, 'step.miss')).toEqual(['ict.image', 'disk.compress']);
  expect(artifactOf(result, 'raw').digest).toBe(digest);
});

it('a newer signed root with the same packages makes a new image out of the same layers', async () => {
  const { spec } = mini.distribution;
  await buildArchive({ ...spec, dateSeconds: spec.dateSeconds + 86_400 });
  try {
    const result = await built();
    // The lock is another one, and so is what the documents beside the disk say.
    expect(stepsOf(result, 'step.miss')).toEqual(['ict.image']);
    expect(downloaded(result)).toEqual([]);
    expect(artifactOf(result, 'raw').digest).toBe(digest);
  } finally {
    await buildArchive(spec);
  }
});

it('where no time is given, a newer signed root makes a new disk out of the same layers', async () => {
  const { spec } = mini.distribution;
  const layers = [{ name: 'app', run: ['touch /app'] }];
  const template = await mini.template(stringify({ ...miniTemplate(), layers }));
  const first = await mini.buildTemplate(template, places);
  expect(first.status, first.stderr).toBe(0);
  await buildArchive({ ...spec, dateSeconds: spec.dateSeconds + 86_400 });
  try {
    const result = await mini.buildTemplate(template, places);
    expect(result.status, result.stderr).toBe(0);
    expect(stepsOf(result, 'step.hit')).toEqual([
      'ict.base',
      'ict.packages',
      'ict.configure',
      'ict.layer.app',
      'ict.initrd',
      'ict.inventory',
    ]);
    expect(stepsOf(result, 'step.miss')).toEqual(['ict.image', 'disk.assemble']);
    expect(artifactOf(result, 'raw').digest).not.toBe(artifactOf(first, 'raw').digest);
  } finally {
    await buildArchive(spec);
  }
});

it('a version that is published again with other bytes is another package; layers of the first one hit when it comes back', async () => {
  const { spec } = mini.distribution;
  const made = join(mini.root, 'again');
  await mkdir(made);
  const again = await buildDeb({ name: 'mini-library', version: '1.2', files: { '/usr/lib/mini/library': 'other\n' } }, made);
  await buildArchive({ ...spec, debs: [...spec.debs.filter((deb) => !deb.includes('mini-library_')), again] });
  try {
    const result = await built();
    expect(downloaded(result)).toEqual(['mini-library']);
    expect(stepsOf(result, 'step.miss')).toEqual(expect.arrayContaining(['ict.image', 'ict.packages']));
    expect(artifactOf(result, 'raw').digest).not.toBe(digest);
  } finally {
    await buildArchive(spec);
  }
  const back = await built();
  // The archive is signed anew, so that the lock and the disk are others; the layers are those of the first build.
  expect(stepsOf(back, 'step.hit')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
});
