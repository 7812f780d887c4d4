import { open, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RemoteCacheServer, serveArchive, type ArchiveServer } from '@ict/fixtures';
import type { EventType } from '@ict/plugin-api';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  artifactOf,
  forgetMetadata,
  forgetPackages,
  forgetTrees,
  forgetUponBase,
  ict,
  isRealHit,
  Mini,
  miniTemplate,
  randomFrom,
  readHostState,
  readMounts,
  requireEnd,
  requireQuiet,
  sound,
  strikeAfter,
  strikeAt,
  strikeInTime,
  VICTIMS,
  type BuildPlaces,
  type HostState,
  type IctResult,
  type Interrupted,
  type Victim,
  type Watched,
} from '../src/index.js';

/** Its layers run a command, so that builds are struck while one runs as well. */
let template: string;
let mini: Mini;
let digest: string;
let before: HostState;
/** Serves the miniature, but breaks off in the middle of one of its packages. */
let unsound: ArchiveServer;
/** Takes what builds upload, signed by a key of `mini.root`. */
let remote: RemoteCacheServer;
/** By event type, in the order of a cold build's first events, what makes a build say it once more; then what a cold build does not say. */
let moments: ReadonlyMap<string, Approach>;
/** Milliseconds of a cold build. */
let coldMs: number;
/** Versions of layers and images so far. */
let versions = 0;

/** What is done before a build in places where one succeeded. @returns how it differs from that build. */
type Approach = (places: BuildPlaces) => Promise<Attempt | void>;

interface Attempt {
  readonly template?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'interruption');
  template = await mini.template({ system: { configurations: [{ cmd: 'echo configured > /etc/mini-command' }] } });
  unsound = await serveArchive(mini.distribution.archive);
  unsound.misbehave([{ path: 'mini-library', does: 'close-early' }]);
  remote = await RemoteCacheServer.start(join(mini.root, 'remote'));
  await sound(ict(['cache', 'keygen', join(mini.root, 'remote.pem')]));
  before = await readHostState();
  const start = performance.now();
  const clean = await mini.buildTemplate(template, await mini.places());
  coldMs = performance.now() - start;
  digest = artifactOf(clean, 'raw').digest;
  moments = new Map([...momentsOf(clean), ...RARE]);
});
afterAll(() => Promise.all([mini.close(), unsound.close(), remote.stop()]));

/** Only what comes about from a moment on has to be made again: what came before stays, so that the next build is quick. */
function momentsOf({ events }: IctResult): ReadonlyMap<string, Approach> {
  const packages = events.findIndex(({ type }) => type === 'package.miss');
  const trees = events.findIndex(({ type }) => type === 'step.start');
  const uponBase = events.findIndex((event) => event.type === 'step.stored' && event.step === 'ict.base') + 1;
  const found = new Map<string, Approach>();
  for (const [index, { type }] of events.entries()) {
    if (type === 'build.done' || found.has(type)) continue;
    // Progress is told of what takes a while, as packages do.
    const ofMetadata = index < packages && type !== 'fetch.progress';
    const beforeTrees = ofMetadata ? forgetMetadata : forgetPackages;
    found.set(type, index < trees ? beforeTrees : index < uponBase ? forgetTrees : forgetUponBase);
  }
  return found;
}

const withoutImage: Attempt = { args: ['--no-image-cache'] };

/** What a build from nothing does not say. */
const RARE: readonly (readonly [EventType, Approach])[] = [
  ['package.cached', () => Promise.resolve(withoutImage)],
  ['step.hit', () => Promise.resolve(withoutImage)],
  ['package.invalid', damagePackage],
  ['package.evicted', damagePackage],
  [
    'fetch.retry',
    async (places) => {
      await forgetPackages(places);
      return { args: mini.flags(unsound.url).slice(2), env: { ICT_FETCH_RETRIES: '1' } };
    },
  ],
  [
    'cache.collected',
    async () => ({ template: await mini.template({ image: { version: `1.${++versions}` } }), env: { ICT_IMAGE_CACHE_MAX_COUNT: '1' } }),
  ],
  ['cache.uploading', uploading],
  ['cache.uploaded', uploading],
  ['cache.audited', () => Promise.resolve({ args: ['--no-image-cache', '--audit-cache'] })],
  [
    'layer.validated',
    async (places) => {
      await mini.buildTemplate(await askedTemplate(), places);
      return { template: await askedTemplate() };
    },
  ],
  [
    'warning',
    async () => ({ template: await mini.template({ system: { kernel: { version: '99', cmdline: 'quiet', packages: ['mini-kernel'] } } }) }),
  ],
];

/** Said by `ict lock` and `ict boot`, by the end of a build, and by one that does not do anything yet. */
const NO_MOMENTS: readonly EventType[] = ['build.waiting', 'lock.done', 'boot.console', 'boot.done', 'build.done', 'build.failed'];

/** Has the image uploaded, to a place of the server where nothing is and no other build sends to. */
function uploading(): Promise<Attempt> {
  const url = `${remote.url}/${++versions}`;
  return Promise.resolve({ env: { ICT_REMOTE_CACHE_UPLOAD_URL: url, ICT_REMOTE_CACHE_SIGNING_KEY: join(mini.root, 'remote.pem') } });
}

/** Damages any cached package: an interrupted build may have evicted those before. */
async function damagePackage({ cache }: BuildPlaces): Promise<Attempt> {
  const shelf = join(cache, 'pkgCache', 'mini-mini1-x86_64');
  const name = (await readdir(shelf)).find((each) => each.endsWith('.deb')) as string;
  await using file = await open(join(shelf, name), 'r+');
  await file.write('damage', 20);
  return withoutImage;
}

/** A template whose only layer has a version that no other has, and asks the earlier one. */
function askedTemplate(): Promise<string> {
  const layer = { name: 'tool', types: { launch: true, cache: true }, metadata: { version: String(++versions) }, run: ['true'] };
  return mini.template(stringify({ ...miniTemplate(), layers: [{ ...layer, validate: 'echo keep' }] }));
}

/** A struck build ended as it must, and nothing of it runs or is mounted any more. @returns it. */
async function requireNothingLeft(places: BuildPlaces, victim: Victim, struck: Promise<Interrupted>, what: string): Promise<Interrupted> {
  let interrupted: Interrupted;
  try {
    interrupted = await struck;
    requireEnd(victim, interrupted);
    await requireQuiet(dirname(places.cache), interrupted);
  } catch (cause) {
    throw new Error(`${what}: ${(cause as Error).message}`, { cause });
  }
  expect(await readMounts()).toBe(before.mounts);
  return interrupted;
}

/** The next build in the same directories succeeds, with the same bytes. */
async function requireRecovery(places: BuildPlaces, what: string): Promise<void> {
  const next = await mini.buildTemplate(template, places);
  expect(next.status, `after ${what}: ${next.stderr}`).toBe(0);
  expect(artifactOf(next, 'raw').digest).toBe(digest);
}

describe('a build that is killed', () => {
  it('was watched at every kind of moment', () => {
    for (const type of [
      'stage.start',
      'repository.pinned',
      'fetch.progress',
      'package.stored',
      'step.start',
      'command.start',
      'install.progress',
      'step.stored',
    ]) {
      expect([...moments.keys()]).toContain(type);
    }
  });

  it('is so at every type of event that the schema has', async () => {
    const file = createRequire(import.meta.url).resolve('@ict/plugin-api/schema/event.schema.json');
    const schema = JSON.parse(await readFile(file, 'utf8')) as { readonly oneOf: readonly { readonly $ref: string }[] };
    const types = schema.oneOf.map(({ $ref }) => $ref.replace('#/$defs/', ''));
    expect([...moments.keys(), ...NO_MOMENTS].sort()).toEqual(types.sort());
  });

  it.concurrent.each(VICTIMS)('at each event type (%s) leaves nothing running or mounted, and the next one succeeds', async (victim) => {
    const places = await mini.places();
    await requireRecovery(places, 'nothing');
    const strikes: Interrupted[] = [];
    for (const [type, approach] of moments) {
      const attempt = (await approach(places)) ?? {};
      const what = `${victim} at ${type}`;
      const build: Watched = (watch) =>
        mini.buildTemplate(attempt.template ?? template, places, attempt.args ?? [], { env: attempt.env ?? {}, ...watch });
      const struck = strikeAt(victim, (event) => event.type === type, build);
      strikes.push(await requireNothingLeft(places, victim, struck, what));
      await requireRecovery(places, what);
    }
    expect(strikes.filter(isRealHit)).not.toEqual([]);
  });

  it.concurrent.each(VICTIMS)('at 5 random moments (%s) leaves nothing running or mounted, and the next one succeeds', async (victim) => {
    const random = randomFrom(VICTIMS.indexOf(victim));
    const strikes: Interrupted[] = [];
    // The first sandbox may start later than it did in the build that was timed: then there is no helper to strike, until later.
    for (let round = 0; round < 5 || (round < 10 && !strikes.some(isRealHit)); round++) {
      const strike = await strikeInTime(random() * coldMs * Math.max(1, round - 3), async (afterMs) => {
        const places = await mini.places();
        const what = `${victim} after ${Math.round(afterMs)} ms`;
        const build: Watched = (watch) => mini.buildTemplate(template, places, [], watch);
        const interrupted = await requireNothingLeft(places, victim, strikeAfter(victim, afterMs, build), what);
        await requireRecovery(places, what);
        await rm(dirname(places.cache), { recursive: true });
        return interrupted;
      });
      strikes.push(strike);
    }
    expect(strikes.filter(isRealHit)).not.toEqual([]);
  });

  it('is not taken for one where each strike comes after its end', async () => {
    const tried: number[] = [];
    const late: Interrupted = {
      result: { status: 0, signal: null, stdout: '', stderr: '', events: [] },
      hit: [],
      struck: [],
      timeMs: Number.POSITIVE_INFINITY,
    };
    const striking = strikeInTime(1600, (afterMs) => {
      tried.push(afterMs);
      return Promise.resolve(late);
    });
    await expect(striking).rejects.toThrow('each of 6 builds was done before its strike');
    expect(tried).toEqual([1600, 800, 400, 200, 100, 50]);
  });
});

it('leaves no loop device, and /etc and /dev as they were', async () => {
  expect(await readHostState()).toEqual(before);
});
