import { execFile } from 'node:child_process';
import { chmod, copyFile, lstat, open, readdir, readFile, rm, stat, symlink, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hashFile } from '@ict/integrity';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, forgetTrees, forgetUponBase, Mini, sound, type BuildPlaces } from '../src/index.js';

/* What someone does to a file below cache or work directory never reaches an output. */

const run = promisify(execFile);
const PROVIDER = 'mini-mini1-x86_64';

let mini: Mini;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'damaged-files');
});
afterAll(() => mini.close());

/** One file of each kind that a build leaves, with a place to find it. */
async function kindsOf({ cache, work }: BuildPlaces): Promise<ReadonlyMap<string, string>> {
  const first = async (directory: string, wanted: (name: string) => boolean = () => true): Promise<string> => {
    for (const entry of (await readdir(directory, { recursive: true, withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isFile() && wanted(entry.name)) return join(entry.parentPath, entry.name);
    }
    throw new Error(`no such file in ${directory}`);
  };
  /** One file of each directory that lies in one. */
  const ofEach = async (what: string, root: string) =>
    Promise.all((await readdir(root)).sort().map(async (name) => [`${what} ${name}`, await first(join(root, name))] as const));
  const home = join(work, PROVIDER);
  const [image] = await readdir(join(cache, 'imageCache'));
  return new Map([
    ['package', join(cache, 'pkgCache', PROVIDER, 'mini-library_1.2_all.deb')],
    ['record of a package', await first(join(cache, '.ict', 'index', 'packages'))],
    ['twin of a package', await first(join(cache, '.ict', 'twins', PROVIDER), (name) => name.startsWith('libc6_'))],
    ['record of a twin', await first(join(cache, '.ict', 'index', 'twins'))],
    ...(await ofEach('record of step', join(cache, '.ict', 'index', 'steps'))),
    ...(await ofEach('memo of', join(cache, '.ict', 'memo'))),
    ...(await ofEach('blob of an index or a disk', join(cache, '.ict', 'blobs', 'sha256'))),
    ['answer of a server', await first(join(cache, '.ict', 'fetch'))],
    ['record of a blob', await first(join(cache, '.ict', 'index', 'blobs'))],
    ['image', await first(join(cache, 'imageCache', image as string), (name) => name.endsWith('.raw'))],
    ['record of an image', join(cache, 'imageCache', image as string, 'meta.json')],
    ['document of an image', await first(join(cache, 'imageCache', image as string), (name) => name.endsWith('.lock.yml'))],
    ['listing of a layer', await first(join(cache, '.ict', 'layers'), (name) => name === 'manifest.json')],
    ['file of a layer', await first(join(cache, '.ict', 'layers'), (name) => name.startsWith('vmlinuz') || name === 'hostname')],
    ['file of the base tree', join(home, 'chrootenv', 'etc', 'os-release')],
    ['snapshot', join(home, 'chrootbuild', 'chrootenv.tar.gz')],
    ['delivered image', await first(join(home, 'imagebuild'), (name) => name.endsWith('.raw'))],
  ]);
}

const tampering: Readonly<Record<string, (file: string) => Promise<void>>> = {
  'cut off': async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
  'changed by one bit': (file) => flip(file),
  'changed with its size and times restored': async (file) => {
    const { atime, mtime } = await stat(file);
    await flip(file);
    await utimes(file, atime, mtime);
  },
  removed: (file) => rm(file),
  'replaced by a link to a changed copy': async (file) => {
    const copy = `${file}.moved`;
    await copyFile(file, copy);
    await chmod(copy, 0o644);
    await flip(copy);
    await rm(file);
    await symlink(copy, file);
  },
  // Nobody writes to it: whoever opened it to read would wait for ever.
  'replaced by a FIFO': async (file) => {
    await rm(file);
    await run('mkfifo', [file]);
  },
};

async function flip(file: string): Promise<void> {
  const bytes = Buffer.alloc(1);
  const at = Math.floor((await stat(file)).size / 2);
  await using handle = await open(file, 'r+');
  await handle.read(bytes, 0, 1, at);
  bytes[0] = (bytes[0] as number) ^ 1;
  await handle.write(bytes, 0, 1, at);
}

/** The digest that the only result of a step names, in hex. */
async function resultOf({ cache }: BuildPlaces, step: string): Promise<string> {
  const directory = join(cache, '.ict', 'index', 'steps', step);
  const [record] = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.json'));
  const { output } = JSON.parse(await readFile(join(directory, record as string), 'utf8')) as { readonly output: object };
  return /sha256:([0-9a-f]{64})/.exec(JSON.stringify(output))?.[1] as string;
}

/** A build from the base tree up, as images are not taken. */
const STEPS = ['--no-image-cache'];
const forgetConfiguration = ({ cache }: BuildPlaces) => rm(join(cache, '.ict', 'index', 'steps', 'ict.configure'), { recursive: true });
const home = ({ work }: BuildPlaces) => join(work, PROVIDER);
async function forgetLiveTree(places: BuildPlaces): Promise<void> {
  await forgetUponBase(places);
  for (const name of ['chrootenv', 'chrootenv.json']) await rm(join(home(places), name), { recursive: true });
}
const layerOfPackages = async (places: BuildPlaces) => join(places.cache, '.ict', 'layers', await resultOf(places, 'ict.packages'));

/** A kind of file that is changed by itself. */
interface Alone {
  readonly kind: string;
  /** Lets the next build look at it. */
  readonly begin: (places: BuildPlaces) => Promise<unknown>;
  readonly place: (places: BuildPlaces) => string | Promise<string>;
  /** An event by which that build tells what it found, or what it did without the file. */
  readonly told: object;
}

const damaged = { type: 'warning', code: 'ICT_LAYER_DAMAGED' };
const missed = (step: string, what: 'layer' | 'file') => ({ type: 'step.miss', step, reason: `the stored ${what} is gone or damaged` });
const hit = (step: string) => ({ type: 'step.hit', step });

/** What builds have never to look at is not here. */
const alone: readonly Alone[] = [
  {
    kind: 'a package',
    begin: forgetUponBase,
    place: ({ cache }) => join(cache, 'pkgCache', PROVIDER, 'mini-library_1.2_all.deb'),
    told: { type: 'package.invalid', name: 'mini-library' },
  },
  {
    kind: 'a file of the base tree',
    begin: forgetUponBase,
    place: (places) => join(home(places), 'chrootenv', 'etc', 'os-release'),
    told: damaged,
  },
  {
    kind: 'a file of a layer',
    begin: forgetConfiguration,
    place: async (places) => join(await layerOfPackages(places), 'fs', 'usr', 'lib', 'mini', 'library'),
    told: damaged,
  },
  {
    kind: 'the listing of a layer',
    begin: forgetConfiguration,
    place: async (places) => join(await layerOfPackages(places), 'manifest.json'),
    told: missed('ict.packages', 'layer'),
  },
  {
    // It only spares reading the layer, which is then hashed, and sound.
    kind: 'the signature of a layer',
    begin: forgetConfiguration,
    place: async (places) => join(await layerOfPackages(places), 'signature.json'),
    told: hit('ict.packages'),
  },
  {
    // The tree comes back from its snapshot.
    kind: 'the record of the base tree',
    begin: forgetUponBase,
    place: (places) => join(home(places), 'chrootenv.json'),
    told: hit('ict.base'),
  },
  {
    kind: 'the snapshot',
    begin: forgetLiveTree,
    place: (places) => join(home(places), 'chrootbuild', 'chrootenv.tar.gz'),
    told: damaged,
  },
  {
    kind: 'the record of the snapshot',
    begin: forgetLiveTree,
    place: (places) => join(home(places), 'chrootbuild', 'chrootenv.json'),
    told: missed('ict.base', 'layer'),
  },
  {
    kind: 'the disk',
    begin: async () => undefined,
    place: async (places) => {
      const digest = await resultOf(places, 'disk.assemble');
      return join(places.cache, '.ict', 'blobs', 'sha256', digest.slice(0, 2), digest);
    },
    told: missed('disk.assemble', 'file'),
  },
];

/** Each test leaves them with all that a build makes, twins too, as the second build is from packages alone. */
let places: BuildPlaces;
let digest: string;
beforeAll(async () => {
  places = await mini.places();
  digest = artifactOf(await sound(mini.build(places)), 'raw').digest;
  await forgetTrees(places);
  await sound(mini.build(places));
});

describe('a file below cache or work directory that someone changed', () => {
  it.each(Object.keys(tampering))('(one of each kind, %s) never reaches an output, and is made anew', async (how) => {
    for (const [kind, file] of await kindsOf(places)) {
      expect((await lstat(file)).isFile(), kind).toBe(true);
      await tampering[how]?.(file);
    }
    const result = await sound(mini.build(places));
    const { path } = artifactOf(result, 'raw');
    expect(artifactOf(result, 'raw').digest).toBe(digest);
    expect((await hashFile(path)).digest).toBe(digest);
  });
});

describe('one file alone that someone changed', () => {
  const ways = Object.keys(tampering);
  it.each(alone.map((one, index) => ({ ...one, how: ways[index % ways.length] as string })))(
    '($kind, $how) is told, never reaches an output, and is made anew',
    async ({ begin, place, how, told }) => {
      await begin(places);
      await tampering[how]?.(await place(places));
      const result = await sound(mini.build(places, STEPS));
      expect(result.events).toContainEqual(expect.objectContaining(told));
      const { path } = artifactOf(result, 'raw');
      expect((await hashFile(path)).digest).toBe(digest);
    },
  );
});

it('a base tree that someone changed before it made room for another is told, and made anew, when a build comes back to it', async () => {
  await tampering['changed with its size and times restored']?.(join(home(places), 'chrootenv', 'etc', 'os-release'));
  await sound(mini.build(places, STEPS, { env: { SOURCE_DATE_EPOCH: '1600000000' } }));
  await rm(join(places.cache, '.ict', 'index', 'steps', 'ict.packages'), { recursive: true });
  const result = await sound(mini.build(places, STEPS));
  expect(result.events).toContainEqual(expect.objectContaining(damaged));
  expect((await hashFile(artifactOf(result, 'raw').path)).digest).toBe(digest);
});
