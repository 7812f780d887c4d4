import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listWorkspace, openCache, workspaceLock } from '@ict/cache';
import type { Sandbox } from '@ict/sandbox';
import { IctError } from '@ict/plugin-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { finishRemoval } from '../src/removal.js';
import type { Session } from '../src/session.js';
import { verifyWorkspace } from '../src/workspace-check.js';

const provider = 'acme-acme1-x86_64';
let root: string;
let workDir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-removal-'));
  workDir = join(root, 'work');
});
afterEach(() => rm(root, { recursive: true }));

/** @param onNote hears what is told on the way. */
function sessionOf(onNote: () => void = () => undefined): Session {
  return { signal: new AbortController().signal, note: onNote } as unknown as Session;
}

/** A sandbox to which every archive is damaged. */
const sandbox = {
  listArchive: () => Promise.reject(new IctError('ICT_SANDBOX_LAYER', 'integrity', { message: 'cut short' })),
} as unknown as Sandbox;

async function makeSnapshot(): Promise<{ readonly directory: string; readonly snapshot: string }> {
  const directory = join(workDir, provider, 'chrootbuild');
  await mkdir(directory, { recursive: true });
  const snapshot = join(directory, 'chrootenv.tar.gz');
  await writeFile(snapshot, 'damaged');
  await writeFile(join(directory, 'chrootenv.json'), JSON.stringify({ digest: 'sha256:00' }));
  return { directory, snapshot };
}

const cacheHome = () =>
  ({ cacheDir: join(root, 'cache'), scratchDir: join(root, 'cache') }) as unknown as Parameters<typeof finishRemoval>[1];

it.each([true, false])(
  'what was found damaged is removed once no build holds the directory, unless another lies there (%s)',
  async (replaced) => {
    const { directory, snapshot } = await makeSnapshot();
    const { damaged, isStillThere } = await verifyWorkspace(sessionOf(), workDir, sandbox, true);
    expect(damaged.map(({ path }) => path)).toEqual([directory]);
    const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
    const waits = Promise.withResolvers<void>();
    let removal: Promise<void> | undefined;
    await cache.withLock(workspaceLock(join(workDir, provider)), async () => {
      removal = finishRemoval(sessionOf(waits.resolve), cacheHome(), workDir, cache, damaged, isStillThere);
      await waits.promise;
      if (!replaced) return;
      await writeFile(`${snapshot}.new`, 'what a build has made');
      await rename(`${snapshot}.new`, snapshot);
    });
    await removal;
    expect(existsSync(snapshot)).toBe(replaced);
  },
);

it('what was chosen for another reason than damage is removed whatever lies there', async () => {
  const { directory } = await makeSnapshot();
  const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
  await finishRemoval(sessionOf(), cacheHome(), workDir, cache, await listWorkspace(workDir));
  expect(existsSync(directory)).toBe(false);
});
