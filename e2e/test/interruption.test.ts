import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  artifactOf,
  eventually,
  forgetMetadata,
  forgetPackages,
  forgetTrees,
  forgetUponBase,
  Mini,
  processesNaming,
  randomFrom,
  readHostState,
  stillRunning,
  strike,
  VICTIMS,
  type BuildPlaces,
  type HostState,
  type IctResult,
  type RunningProcess,
  type Victim,
} from '../src/index.js';

/** Its layers run a command, so that builds are struck while one runs as well. */
let template: string;
let mini: Mini;
let digest: string;
let before: HostState;
/** Event types of a cold build, in the order of their first appearance, with what makes a build reach that moment once more. */
let moments: ReadonlyMap<string, (places: BuildPlaces) => Promise<void>>;
/** Milliseconds of a cold build. */
let coldMs: number;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'interruption');
  template = await mini.template({ system: { configurations: [{ cmd: 'echo configured > /etc/mini-command' }] } });
  before = await readHostState();
  const start = performance.now();
  const clean = await mini.buildTemplate(template, await mini.places());
  coldMs = performance.now() - start;
  digest = artifactOf(clean, 'raw').digest;
  moments = momentsOf(clean);
});
afterAll(() => mini.close());

/** Only what comes about from a moment on has to be made again: what came before stays, so that the next build is quick. */
function momentsOf({ events }: IctResult): typeof moments {
  const packages = events.findIndex(({ type }) => type === 'package.miss');
  const trees = events.findIndex(({ type }) => type === 'step.start');
  const uponBase = events.findIndex((event) => event.type === 'step.stored' && event.step === 'ict.base') + 1;
  const found = new Map<string, (places: BuildPlaces) => Promise<void>>();
  for (const [index, { type }] of events.entries()) {
    if (type === 'build.done' || found.has(type)) continue;
    // Progress is told of what takes a while, as packages do.
    const ofMetadata = index < packages && type !== 'fetch.progress';
    const beforeTrees = ofMetadata ? forgetMetadata : forgetPackages;
    found.set(type, index < trees ? beforeTrees : index < uponBase ? forgetTrees : forgetUponBase);
  }
  return found;
}

interface Interrupted {
  readonly result: IctResult;
  /** Processes of the build when it was struck; none when it had ended before. */
  readonly hit: readonly RunningProcess[];
}

/** A killed ict says nothing, an interrupted one says 130; who loses its helper may finish without it, or fails with a code. */
function requireEnd(victim: Victim, { result, hit }: Interrupted, what: string): void {
  if (hit.length === 0) return;
  const said = `${victim} at ${what}: ${result.stderr}`;
  if (victim === 'ict alone' || victim === 'all at once') expect(result.signal, said).toBe('SIGKILL');
  // In its first moments ict is a Node that knows nothing of signals, and dies of it: to a shell, that is 130 as well.
  if (victim === 'Ctrl-C') expect(result.signal === 'SIGINT' ? 130 : result.status, said).toBe(130);
  if (victim === 'its helper alone' && result.status !== 0) {
    const last = result.events.at(-1);
    expect(last?.type === 'build.failed' ? last.error.code : last?.type, said).toMatch(/^ICT_(?!INTERNAL)/);
  }
}

/** Nothing of a build in `places` runs or is mounted any more. */
async function requireQuiet(places: BuildPlaces, { hit }: Interrupted): Promise<void> {
  const root = dirname(places.cache);
  await eventually(
    async () => (await stillRunning(hit)).length === 0 && (await processesNaming(root)).length === 0,
    10_000,
    'every process of the build ends',
  );
  expect((await readHostState()).mounts).toBe(before.mounts);
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

  it('at each event type that only a build with full caches has leaves nothing running or mounted, and the next one succeeds', async () => {
    const places = await mini.places();
    await mini.buildTemplate(template, places);
    const warm = new Set((await mini.buildTemplate(template, places, ['--no-image-cache'])).events.map((event) => event.type));
    const types = [...warm].filter((type) => !moments.has(type) && type !== 'build.done');
    expect(types).toEqual(expect.arrayContaining(['package.cached', 'step.hit']));
    for (const type of types) {
      for (const victim of VICTIMS) {
        let struck: Promise<readonly RunningProcess[]> | undefined;
        const result = await mini.buildTemplate(template, places, ['--no-image-cache'], {
          onEvent: (event, child) => {
            if (event.type === type) struck ??= strike(child, victim);
          },
        });
        expect(struck, `${type} was not seen: ${result.stderr}`).toBeDefined();
        const interrupted = { result, hit: (await struck) ?? [] };
        requireEnd(victim, interrupted, type);
        await requireQuiet(places, interrupted);
        await requireRecovery(places, `${victim} at ${type}`);
      }
    }
  });

  it.concurrent.each(VICTIMS)('at each event type (%s) leaves nothing running or mounted, and the next one succeeds', async (victim) => {
    const places = await mini.places();
    await requireRecovery(places, 'nothing');
    for (const [type, forget] of moments) {
      await forget(places);
      let struck: Promise<readonly RunningProcess[]> | undefined;
      const result = await mini.buildTemplate(template, places, [], {
        onEvent: (event, child) => {
          if (event.type === type) struck ??= strike(child, victim);
        },
      });
      expect(struck, `${type} was not seen; ict exited ${result.status}: ${result.stderr}`).toBeDefined();
      const interrupted = { result, hit: (await struck) ?? [] };
      requireEnd(victim, interrupted, type);
      await requireQuiet(places, interrupted);
      await requireRecovery(places, `${victim} at ${type}`);
    }
  });

  it.concurrent.each(VICTIMS)('at 5 random moments (%s) leaves nothing running or mounted, and the next one succeeds', async (victim) => {
    const random = randomFrom(VICTIMS.indexOf(victim));
    for (let round = 0; round < 5; round++) {
      const places = await mini.places();
      const afterMs = random() * coldMs;
      let timer: NodeJS.Timeout | undefined;
      let struck: Promise<readonly RunningProcess[]> | undefined;
      const result = await mini.buildTemplate(template, places, [], {
        onStart: (child) => {
          timer = setTimeout(() => {
            struck = strike(child, victim);
          }, afterMs);
        },
      });
      clearTimeout(timer);
      const what = `${victim} after ${Math.round(afterMs)} ms`;
      const interrupted = { result, hit: (await struck) ?? [] };
      requireEnd(victim, interrupted, what);
      await requireQuiet(places, interrupted);
      await requireRecovery(places, what);
      await rm(dirname(places.cache), { recursive: true });
    }
  });
});

it('leaves no loop device, and /etc and /dev as they were', async () => {
  expect(await readHostState()).toEqual(before);
});
