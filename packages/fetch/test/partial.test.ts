import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import type * as promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { digestOf, fileStateOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPartialStore, type PartialDownload } from '../src/partial.js';

/** Whether the disk refuses to give what files hold. */
const disk = vi.hoisted(() => ({ fails: false }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const open: typeof real.open = async (...given) => {
    const handle = await real.open(...given);
    const read = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));
    return disk.fails ? Object.assign(handle, { read }) : handle;
  };
  return { ...real, open };
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-partial-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const content = Buffer.from('the first half, the second half');
const begin = (): Promise<PartialDownload> =>
  createPartialStore(join(directory, 'partial')).open('http://archive.example/a', digestOf(content), 1000);

describe('the file of a download', () => {
  it('is moved, and its state told', async () => {
    const partial = await begin();
    partial.append(content);
    const target = join(directory, 'moved');
    expect(await partial.moveTo(target)).toEqual(fileStateOf(statSync(target, { bigint: true })));
    expect(existsSync(partial.path)).toBe(false);
  });

  it('is whole though someone who does not see this process took it over', async () => {
    const partial = await begin();
    partial.append(content.subarray(0, 15));
    renameSync(partial.path, join(directory, 'theirs'));
    partial.append(content.subarray(15));
    unlinkSync(join(directory, 'theirs'));
    const target = join(directory, 'moved');
    expect(await partial.moveTo(target)).toBeUndefined();
    expect(readFileSync(target)).toEqual(content);
  });

  it('outlives that a collection takes its directory away', async () => {
    const store = createPartialStore(join(directory, 'partial'));
    const open = () => store.open('http://archive.example/a', digestOf(content), 1000);
    const first = await open();
    renameSync(join(directory, 'partial'), join(directory, 'trash'));
    const second = await open();
    first.discard();
    second.append(content);
    await second.moveTo(join(directory, 'moved'));
    expect(readFileSync(join(directory, 'moved'))).toEqual(content);
  });

  /** What a process of another machine left of the same download, under its name. */
  async function leftElsewhere(): Promise<string> {
    const theirs = await begin();
    theirs.append(content.subarray(0, 15));
    theirs.close();
    const [key] = basename(theirs.path).split('.');
    const left = join(directory, 'partial', `${key}.00000000-4194305-1.0123456789ab.part`);
    renameSync(theirs.path, left);
    return left;
  }

  it('is begun anew where another user, root for one, left what only that user may read', async () => {
    const left = await leftElsewhere();
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(left, anHourAgo, anHourAgo);
    chmodSync(directory, 0o755);
    chmodSync(join(directory, 'partial'), 0o777);
    process.seteuid?.(12_345);
    try {
      const mine = await begin();
      expect(mine.hasher.sizeBytes).toBe(0);
      mine.discard();
      expect(readdirSync(join(directory, 'partial'))).toEqual([]);
    } finally {
      process.seteuid?.(0);
    }
  });

  it('is begun anew where the disk does not give what was left, which goes', async () => {
    const left = await leftElsewhere();
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(left, anHourAgo, anHourAgo);
    disk.fails = true;
    const partial = await begin().finally(() => (disk.fails = false));
    expect(partial.hasher.sizeBytes).toBe(0);
    partial.discard();
    expect(readdirSync(join(directory, 'partial'))).toEqual([]);
  });

  it('is that of another machine only when nothing came for a while', async () => {
    const left = await leftElsewhere();
    const first = await begin();
    expect(first.hasher.sizeBytes).toBe(0);
    first.discard();
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(left, anHourAgo, anHourAgo);
    const second = await begin();
    expect(second.hasher.sizeBytes).toBe(15);
    expect(existsSync(left)).toBe(false);
    second.discard();
  });

  it.each<[string, (path: string) => unknown]>([
    ['a directory', (path) => mkdirSync(path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a link to a device that never ends', (path) => symlinkSync('/dev/zero', path)],
    ['a link to itself', (path) => symlinkSync(path, path)],
  ])('is not what %s under the name of one has', async (_what, put) => {
    const first = await begin();
    const left = first.path.replace(/\.[^.]*\.[0-9a-f]*\.part$/, `.${'0'.repeat(8)}-4194305-1.0123456789ab.part`);
    first.discard();
    put(left);
    const anHourAgo = Date.now() / 1000 - 3600;
    lutimesSync(left, anHourAgo, anHourAgo);
    const partial = await begin();
    expect(partial.hasher.sizeBytes).toBe(0);
    partial.discard();
  });
});
