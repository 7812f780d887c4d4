import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import { describe, expect, it, vi } from 'vitest';
import type { Sandbox } from '@ict/sandbox';
import { lookingForRoom, meansFullDisk, namingFullDisk } from '../../src/trees/full-disk.js';
import { restoreLayer } from '../../src/trees/layer-unpacking.js';

const here = tmpdir();
/** More than any disk has: whatever a program prints of a full disk is believed. */
const NO_ROOM = Number.MAX_SAFE_INTEGER;

const node = (code: string, path?: string) => Object.assign(new Error(`${code}: the system refused`), { code, path });
const ict = (code: string, message: string, facts: object = {}, cause?: unknown) =>
  new IctError(code, 'host', { message, facts: { ...facts }, cause });

const system: readonly (readonly [string, Error])[] = [
  ['from Node', node('ENOSPC')],
  ['of a quota', node('EDQUOT')],
  ['that a wrapper names', ict('ICT_ARCHIVE_WRITE', '"./a" could not be unpacked: ENOSPC: no space left on device, open')],
  ['in the facts of a wrapper', ict('ICT_TREE_IO', 'Cannot write /a', { errno: 'ENOSPC' })],
  ['to a program of the sandbox', ict('ICT_SANDBOX_LAYER', 'Copying a layer failed at /a: cp: /b: No space left on device\ncp: /c: gone')],
  ['below a program that printed it', ict('ICT_X', 'mke2fs: No space left on device', {}, node('ENOSPC'))],
  ['that caused another', ict('ICT_X', 'the index cannot be read', {}, new Error('wrapped', { cause: node('ENOSPC') }))],
];

const printed: readonly (readonly [string, Error])[] = [
  ['in a message', ict('ICT_COMMAND_FAILED', 'dpkg ended with status 1:\ndpkg: error: No space left on device\nbye')],
  [
    'as Node names it',
    new IctError('ICT_COMMAND_FAILED', 'command', { message: 'npm ended with status 1:\nENOSPC: too many watched files' }),
  ],
  ['in the facts', ict('ICT_DISK_FILESYSTEM', 'mke2fs failed', { stderr: 'mke2fs: Disk quota exceeded while writing' })],
];

const run = (error: Error, wantedBytes = 0, directories: readonly string[] = [here]) =>
  namingFullDisk({ directories, wantedBytes }, () => Promise.reject(error)).then(
    () => undefined,
    (thrown: unknown) => thrown as IctError,
  );

describe('a full disk', () => {
  it.each(system)('is named when the system says so %s', async (_where, error) => {
    const thrown = await run(error);
    expect(thrown).toMatchObject({ code: 'ICT_HOST_DISK_FULL', kind: 'host', facts: { directory: here }, cause: error });
    expect(meansFullDisk(error)).toBe(true);
  });

  it.each(printed)('is named when a program printed it %s, and there is too little room', async (_where, error) => {
    const thrown = await run(error, NO_ROOM);
    expect(thrown).toMatchObject({ code: 'ICT_HOST_DISK_FULL', cause: error });
    expect(thrown?.message).not.toContain('\n');
    expect(await run(error, 1)).toBe(error); // there is room: the program had a disk of its own
    expect(meansFullDisk(error)).toBe(false);
  });

  it('is that of the directory that was written', async () => {
    const path = join(here, 'work', 'file');
    expect(await run(node('ENOSPC', path), 0, ['/', join(here, 'work')])).toMatchObject({ facts: { directory: join(here, 'work') } });
    // One may lie in another.
    expect(await run(node('ENOSPC', path), 0, [here, join(here, 'work')])).toMatchObject({ facts: { directory: join(here, 'work') } });
  });

  it('is that of a file elsewhere that was written, whatever room the directories have', async () => {
    const thrown = await run(node('ENOSPC', '/full/a/file'), 0, [here]);
    expect(thrown).toMatchObject({ code: 'ICT_HOST_DISK_FULL', facts: { directory: '/full/a' } });
    expect(thrown?.hint).not.toContain('--cache-dir');
    // Of a copy, Node names what was read first.
    const copied = Object.assign(node('ENOSPC', join(here, 'from')), { dest: '/full/a/file' });
    expect(await run(copied, 0, [here])).toMatchObject({ facts: { directory: '/full/a' } });
    expect(await run(node('ENOSPC', here), 0, [here])).toMatchObject({ facts: { directory: here } });
  });

  it.each([
    ['whoever names the file that was not written', ict('ICT_LOCK_UNWRITABLE', 'its disk is full', {}, node('ENOSPC'))],
    ['whoever names it already', ict('ICT_CACHE_DISK_FULL', 'No space left on device', {}, node('ENOSPC'))],
    ['an image that is too small', ict('ICT_DISK_NO_SPACE', 'the files do not fit', { mke2fs: 'No space left on device' })],
    ['any other failure', node('EIO')],
  ])('is not said of %s', async (_what, error) => {
    expect(await run(error, NO_ROOM)).toBe(error);
  });

  it('is looked for without hiding the failure where the system does not say how much room is left', async () => {
    const error = ict('ICT_COMMAND_FAILED', 'tar: No space left on device');
    const nowhere = join(here, 'x'.repeat(300));
    expect(await run(error, NO_ROOM, [nowhere])).toBe(error);
    expect(await run(error, NO_ROOM, [nowhere, here])).toMatchObject({ facts: { directory: here } });
  });

  it('does not matter where all goes well', async () => {
    expect(await namingFullDisk({ directories: [], wantedBytes: 0 }, async () => 'done')).toBe('done');
  });
});

it.each([
  ['full disk says nothing about what is unpacked', 'restoring failed at /a: ENOSPC: no space left on device, write', 'rejects'],
  [
    'full disk that tar met does not either',
    'restoring failed at /a: tar: ./b: Cannot mkdir: No space left on device\ntar: end',
    'rejects',
  ],
  ['snapshot that cannot be read is a miss', 'restoring failed at /a: unexpected end of file', 'misses'],
])('a %s', async (_what, message, outcome) => {
  const failing = { unpackLayer: () => Promise.reject(ict('ICT_SANDBOX_LAYER', message)) } as unknown as Sandbox;
  const staged = { root: '/stage', directory: '/stage/upper', work: '/stage/work' };
  const abandon = vi.fn(() => Promise.resolve());
  const shelf = { stage: async () => staged, abandon, publish: vi.fn(), find: vi.fn() };
  const restored = restoreLayer({ digest: digestOf('layer') }, '/snapshot', shelf, failing).catch(() => 'rejects');
  expect((await restored) ?? 'misses').toBe(outcome);
  expect(abandon.mock.calls).toEqual([[staged]]);
});

it('what was unpacked is taken away when its shelf cannot keep it', async () => {
  const digest = digestOf('layer');
  const sandbox = { unpackLayer: async () => ({ digest, entries: [] }) } as unknown as Sandbox;
  const staged = { root: '/stage', directory: '/stage/upper', work: '/stage/work' };
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const abandon = vi.fn(() => Promise.reject(new Error('it is busy')));
  const shelf = { stage: async () => staged, abandon, publish: () => Promise.reject(full), find: vi.fn() };
  await expect(restoreLayer({ digest }, '/snapshot', shelf, sandbox)).rejects.toBe(full);
  expect(abandon.mock.calls).toEqual([[staged]]);
});

describe('a program that fails without a word of the disk', () => {
  const failed = new IctError('ICT_COMMAND_FAILED', 'command', { message: 'mkfs.vfat ended with status 1:\nfailed whilst writing' });
  const after = (error: Error, directory: string) =>
    lookingForRoom([here, directory], () => Promise.reject(error)).catch((thrown: unknown) => thrown);

  it('had no room when the disk that it wrote on has none', async () => {
    // A file system of the kernel's, which has no room for anybody.
    const thrown = (await after(failed, '/proc')) as Error;
    expect(thrown).toMatchObject({ code: 'ENOSPC', path: '/proc', cause: failed });
    expect(await run(thrown, 0, ['/', here])).toMatchObject({ code: 'ICT_HOST_DISK_FULL' });
  });

  it('failed for a reason of its own when there is room, and so does whatever is no program', async () => {
    expect(await after(failed, here)).toBe(failed);
    const other = ict('ICT_X', 'other');
    expect(await after(other, '/proc')).toBe(other);
  });
});
