import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { listWorkspace, openCache, workspaceLock } from '@ict/cache';
import type { Sandbox } from '@ict/sandbox';
import { IctError } from '@ict/plugin-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { finishRemoval, nothingRemoved, withStayed } from '../src/removal.js';
import type { Session } from '../src/session.js';
import { verifyWorkspace } from '../src/workspace-check.js';

const run = promisify(execFile);
const NOBODY = 65_534;
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
    const { damaged, isStillThere } = await verifyWorkspace(sessionOf(), workDir, sandbox);
    expect(damaged.map(({ path }) => path)).toEqual([directory]);
    const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
    const waits = Promise.withResolvers<void>();
    let removal: Promise<unknown> | undefined;
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

it('what cannot be read is told as that, and not chosen to be removed', async () => {
  const { directory } = await makeSnapshot();
  const unread = new IctError('ICT_SANDBOX_LAYER', 'host', { message: 'EIO: i/o error, read', facts: { unread: true } });
  const failing = { listArchive: () => Promise.reject(unread) } as unknown as Sandbox;
  const { damaged, verification } = await verifyWorkspace(sessionOf(), workDir, failing);
  expect(damaged).toEqual([]);
  expect(verification.findings).toMatchObject([
    { path: directory, problem: 'unreadable', detail: 'EIO: i/o error, read', repaired: false },
  ]);
});

it.each([
  ['the work directory', () => workDir, ''],
  ['the directory of a target', () => join(workDir, provider), `${provider}/chrootenv`],
])('what cannot be looked at, as %s, is told as that, too', async (_what, bad, id) => {
  await makeSnapshot();
  await run('chmod', ['755', root]);
  await run('chmod', ['0', bad()]);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    const { damaged, verification } = await verifyWorkspace(sessionOf(), workDir, sandbox);
    expect(damaged).toEqual([]);
    const unread = { problem: 'unreadable', detail: 'it cannot be read: EACCES', repaired: false };
    expect(verification.findings[0]).toEqual({ kind: 'chrootenv', id, path: join(workDir, id), ...unread });
  } finally {
    if (isRoot) process.seteuid?.(0);
    await run('chmod', ['755', bad()]);
  }
});

it('what is in a directory of another user stays, and counts as that', async () => {
  const { directory } = await makeSnapshot();
  const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
  await run('chmod', ['-R', 'a+rwX', root]);
  await run('chmod', ['555', dirname(directory)]);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    const workspace = await listWorkspace(workDir, () => undefined);
    const stayed = await finishRemoval(sessionOf(), cacheHome(), workDir, cache, workspace);
    expect(stayed).toEqual(workspace);
    const removal = withStayed({ dryRun: false, cache: nothingRemoved, workspace, unread: [] }, stayed);
    expect(removal).toMatchObject({ cache: { pinned: 1 }, workspace: [] });
  } finally {
    if (isRoot) process.seteuid?.(0);
    await run('chmod', ['755', dirname(directory)]);
  }
  expect(existsSync(directory)).toBe(true);
});

it('what was chosen for another reason than damage is removed whatever lies there', async () => {
  const { directory } = await makeSnapshot();
  const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
  await finishRemoval(sessionOf(), cacheHome(), workDir, cache, await listWorkspace(workDir, () => undefined));
  expect(existsSync(directory)).toBe(false);
});
