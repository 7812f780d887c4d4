import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { IctError } from '@ict/plugin-api';
import type { LayerManifest } from '@ict/sandbox';
import { checkBaseTree, checkSnapshot, type TreeVerdict } from '../../src/trees/tree-check.js';
import { baseTreePlace } from '../support/base-tree-place.js';
import { manifestOf } from '../support/one-file-tree.js';

const { at, workshop, alterListing, lister } = baseTreePlace();

describe('the check of a base tree', () => {
  const { signal } = new AbortController();
  const compare = {
    verifyLayer: async (directory: string, { digest }: LayerManifest) => {
      const ok = (await manifestOf(directory)).digest === digest;
      return { ok, changed: ok ? [] : ['/content'] };
    },
  };

  it.each<[string, () => Promise<unknown>, TreeVerdict]>([
    ['that one is sound', async () => undefined, 'sound'],
    ['which files changed', () => writeFile(join(at.work, 'chrootenv', 'content'), 'two'), { problem: 'damaged', detail: '/content' }],
    ['that its listing was altered', alterListing, { problem: 'damaged', detail: 'its listing is that of another layer' }],
    ['nothing where no tree is', () => rm(join(at.work, 'chrootenv'), { recursive: true }), undefined],
    ['nothing where no record is', () => rm(join(at.work, 'chrootenv.json')), undefined],
  ])('says %s', async (_what, happen, expected) => {
    await workshop().make('one');
    await happen();
    expect(await checkBaseTree(at.work, compare, signal)).toEqual(expected);
  });

  it('says nothing of the tree of another user, nor of one that a build replaces meanwhile', async () => {
    const { make } = workshop();
    await make('one');
    const replacing = { verifyLayer: async () => { await make('two'); return { ok: false, changed: ['/content'] }; } }; // prettier-ignore
    expect(await checkBaseTree(at.work, replacing, signal)).toBeUndefined();
    vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000_000);
    expect(await checkBaseTree(at.work, compare, signal)).toBeUndefined();
    vi.restoreAllMocks();
  });
});

const damagedBy = (detail: RegExp): unknown => ({ problem: 'damaged', detail: expect.stringMatching(detail) as unknown });

describe('the check of a snapshot', () => {
  const { signal } = new AbortController();
  const snapshot = (): string => join(at.work, 'chrootbuild', 'chrootenv.tar.gz');
  const snapshotRecord = (): string => join(at.work, 'chrootbuild', 'chrootenv.json');

  it.each<[string, () => Promise<unknown>, unknown]>([
    ['that one is sound', async () => undefined, 'sound'],
    ['that its content is another', () => writeFile(snapshot(), 'two'), damagedBy(/^its content is sha256:/)],
    ['that it is no archive', () => writeFile(snapshot(), 'no archive'), damagedBy(/./)],
    ['that it is a link to itself', () => rm(snapshot()).then(() => symlink(snapshot(), snapshot())), damagedBy(/^ELOOP/)],
    ['that it is a FIFO', () => rm(snapshot()).then(() => execFileSync('mkfifo', [snapshot()])), damagedBy(/ENXIO/)],
    ['that its record is a directory', () => rm(snapshotRecord()).then(() => mkdir(snapshotRecord())), damagedBy(/^EISDIR/)],
    ['nothing where none is', () => rm(snapshot()), undefined],
    ['nothing where no record is', () => rm(snapshotRecord()), undefined],
    ['nothing where it is distrusted already', () => writeFile(snapshotRecord(), '{}'), undefined],
  ])('says %s', async (_what, happen, expected) => {
    await workshop().make('one');
    await happen();
    expect(await checkSnapshot(at.work, lister, signal)).toEqual(expected);
  });

  it('finds nothing wrong while a build that was killed had sealed another tree, nor after one was taken from elsewhere', async () => {
    const other = join(at.place, 'other');
    await mkdir(other);
    const two = await workshop(other).make('two');
    const { base, make, lies } = workshop(at.work, [other]);
    await make('one');
    await writeFile(base.archivePlace(await base.stage()), 'three');
    expect(await checkSnapshot(at.work, lister, signal)).toBe('sound');
    expect(await lies(two)).toBe('live: two');
    expect(await readFile(snapshot(), 'utf8')).toBe('one');
    expect(await checkSnapshot(at.work, lister, signal)).toBe('sound');
  });

  it('says nothing of one that a build replaces meanwhile, tells one that cannot be read from a damaged one, and passes other failures on', async () => {
    const { make } = workshop();
    await make('one');
    const replacing = { listArchive: async (archive: string) => { await make('two'); return lister.listArchive(archive); } }; // prettier-ignore
    expect(await checkSnapshot(at.work, replacing, signal)).toBeUndefined();
    const unread = new IctError('ICT_SANDBOX_LAYER', 'host', { message: 'EIO: i/o error, read', facts: { unread: true } });
    const failing = { listArchive: () => Promise.reject(unread) };
    expect(await checkSnapshot(at.work, failing, signal)).toEqual({ problem: 'unreadable', detail: 'EIO: i/o error, read' });
    const dead = { listArchive: () => Promise.reject(new Error('the sandbox died')) };
    await expect(checkSnapshot(at.work, dead, signal)).rejects.toThrow('the sandbox died');
  });
});
