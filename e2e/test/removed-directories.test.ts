import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildEvent } from '@ict/plugin-api';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, forgetTrees, forgetUponBase, Mini, type BuildPlaces } from '../src/index.js';

/*
 * Each directory of a build, removed by hand at several moments while it runs: that build passes with the right image, or says with a code of
 * its own what it misses; the next one passes.
 */

let mini: Mini;
let digest: string;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'removed-directories');
  digest = artifactOf(await mini.build(await mini.places()), 'raw').digest;
});
afterAll(() => mini.close());

const moments = {
  'packages arrive': ({ type }: BuildEvent) => type === 'package.stored' || type === 'package.cached',
  'packages are installed': (event: BuildEvent) => event.type === 'step.start' && event.step === 'ict.packages',
  'the disk is made': (event: BuildEvent) => event.type === 'stage.start' && event.stage === 'finalize',
} as const;
type Moment = keyof typeof moments;
/** Makes a build reach the moment; what is made before it may stay, so that the build is quick. */
const forget: Readonly<Record<Moment, (places: BuildPlaces) => Promise<void>>> = {
  'packages arrive': forgetTrees,
  'packages are installed': forgetUponBase,
  'the disk is made': forgetUponBase,
};
const always = Object.keys(moments) as Moment[];

/** What is removed, and when: what nothing can replace at every moment, the rest when it is in use. */
const removals: readonly (readonly [string, (places: BuildPlaces) => string, readonly Moment[]])[] = [
  ['the cache', ({ cache }) => cache, always],
  ['what the cache hides', ({ cache }) => join(cache, '.ict'), ['packages are installed']],
  ['unfinished work', ({ cache }) => join(cache, '.ict', 'tmp'), always],
  ['the work directory', ({ work }) => work, always],
  ['the temporary directory', ({ temporary }) => temporary, always],
  ['packages', ({ cache }) => join(cache, 'pkgCache'), ['packages arrive']],
  ['layers', ({ cache }) => join(cache, '.ict', 'layers'), ['packages are installed']],
  ['records', ({ cache }) => join(cache, '.ict', 'index'), ['packages are installed']],
  ['blobs', ({ cache }) => join(cache, '.ict', 'blobs'), ['the disk is made']],
  ['what is remembered', ({ cache }) => join(cache, '.ict', 'memo'), ['packages arrive']],
  ['kept images', ({ cache }) => join(cache, 'imageCache'), ['the disk is made']],
  ['the base tree', ({ work }) => join(work, 'mini-mini1-x86_64', 'chrootenv'), ['packages are installed']],
  ['the output', (places) => outputOf(places), ['the disk is made']],
];

function outputOf({ work }: BuildPlaces): string {
  return join(dirname(work), 'output');
}

describe('while a build runs', () => {
  it.concurrent.each(removals)('%s may be removed', async (what, directory, when) => {
    const places = await mini.places();
    const output = ['--output', outputOf(places)];
    for (const moment of when) {
      await forget[moment](places);
      await mkdir(outputOf(places), { recursive: true });
      let removed: Promise<void> | undefined;
      const result = await mini.build(places, output, {
        onEvent: (event) => {
          // What is being written meanwhile may come back: that is another state that a hand can leave.
          if (moments[moment](event)) removed ??= rm(directory(places), { recursive: true, force: true }).catch(() => undefined);
        },
      });
      const said = `${what}, when ${moment}: ${result.stderr}`;
      expect(removed, said).toBeDefined();
      await removed;
      if (result.status === 0) expect(artifactOf(result, 'raw').digest, said).toBe(digest);
      else {
        const last = result.events.at(-1);
        expect(last?.type === 'build.failed' ? last.error.code : last?.type, said).toMatch(/^ICT_(?!INTERNAL)/);
      }
      const next = await mini.build(places, output);
      expect(next.status, `after ${said}\n${next.stderr}`).toBe(0);
      expect(artifactOf(next, 'raw').digest, `after ${said}`).toBe(digest);
    }
  });
});
