import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, eventually, Mini, processesNaming, readHostState, type BuildPlaces, type HostState } from '../src/index.js';

let mini: Mini;
let digest: string;
let before: HostState;
/** Event types of a cold build, in the order of their first appearance. */
let types: readonly string[];
/** Milliseconds of a cold build. */
let coldMs: number;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'interruption');
  before = await readHostState();
  const start = performance.now();
  const clean = await mini.build(await mini.places());
  coldMs = performance.now() - start;
  digest = artifactOf(clean, 'raw').digest;
  types = [...new Set(clean.events.map((event) => event.type))].filter((type) => type !== 'build.done');
});
afterAll(() => mini.close());

type Victim = 'ict alone' | 'its helper alone' | 'all at once' | 'Ctrl-C';
const victims: readonly Victim[] = ['ict alone', 'its helper alone', 'all at once', 'Ctrl-C'];

/** Process ids below `root`, children before parents. */
async function descendants(root: number): Promise<readonly number[]> {
  try {
    const children = (await readFile(`/proc/${root}/task/${root}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number);
    return [...(await Promise.all(children.map(descendants))).flat(), ...children];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function strike(child: ChildProcess, victim: Victim): Promise<void> {
  const root = child.pid as number;
  const below = await descendants(root);
  if (victim === 'Ctrl-C') kill(root, 'SIGINT');
  if (victim === 'ict alone') kill(root, 'SIGKILL');
  if (victim === 'its helper alone') for (const pid of below) kill(pid, 'SIGKILL');
  if (victim === 'all at once') for (const pid of [root, ...below]) kill(pid, 'SIGKILL');
}

/** Nothing of a build in `places` runs or is mounted any more. */
async function requireQuiet(places: BuildPlaces): Promise<void> {
  await eventually(async () => (await processesNaming(places.cache)).length === 0, 10_000, 'every process of the build ends');
  expect((await readHostState()).mounts).toBe(before.mounts);
}

/** The next build in the same directories succeeds, with the same bytes. */
async function requireRecovery(places: BuildPlaces): Promise<void> {
  const next = await mini.build(places);
  expect(next.status, next.stderr).toBe(0);
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
      'install.progress',
      'step.stored',
    ]) {
      expect(types).toContain(type);
    }
  });

  it.each(victims)('at each event type (%s) leaves nothing running or mounted, and the next one succeeds', async (victim) => {
    for (const type of types) {
      const places = await mini.places();
      let struck: Promise<void> | undefined;
      const result = await mini.build(places, [], {
        onEvent: (event, child) => {
          if (event.type === type) struck ??= strike(child, victim);
        },
      });
      await struck;
      expect(struck, `${type} was not seen; ict exited ${result.status}: ${result.stderr}`).toBeDefined();
      await requireQuiet(places);
      await requireRecovery(places);
    }
  });

  it('at 20 random moments leaves nothing running or mounted, and the next one succeeds', async () => {
    for (let round = 0; round < 20; round++) {
      const places = await mini.places();
      const afterMs = Math.random() * coldMs;
      const victim = victims[round % victims.length];
      let timer: NodeJS.Timeout | undefined;
      let struck: Promise<void> | undefined;
      await mini.build(places, [], {
        onStart: (child) => {
          timer = setTimeout(() => {
            struck = strike(child, victim);
          }, afterMs);
        },
      });
      clearTimeout(timer);
      await struck;
      await requireQuiet(places);
      await requireRecovery(places);
    }
  });

  it('leaves no loop device, and /etc and /dev as they were', async () => {
    expect(await readHostState()).toEqual(before);
  });
});
