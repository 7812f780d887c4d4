import { lutimesSync, mkdirSync, mkdtempSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { packFiles } from '@ict/archive';
import { HeldMounts } from '@ict/fixtures';
import type { TreeRecord } from '@ict/plugin-api';
import { writeExt4, type Ext4Request } from '../../src/ext4/write-ext4.js';
import type { TreeWritten } from '../../src/tree-writing.js';
import { BUILD_EPOCH, digestFile, execute } from '@ict/fixtures';
import { hostRecords } from '@ict/fixtures';
import { MIB } from './specs.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
const SEED = '11111111-2222-4333-8444-555555555555';

/** What a program of the host prints; it must succeed. */
export async function run(program: string, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(program, argv);
  expect([program, exitCode, exitCode === 0 ? '' : stdout + stderr]).toEqual([program, 0, '']);
  return stdout;
}

/** e2fsck finds no fault. @returns what it prints. */
export const check = (image: string): Promise<string> => run('e2fsck', '-fn', image);

/** An image of a host directory. */
export async function write(tree: string, image: string, changes: Partial<Ext4Request> = {}): Promise<TreeWritten> {
  const { offsetBytes = 0, sizeBytes = 64 * MIB } = changes;
  writeFileSync(image, '');
  truncateSync(image, offsetBytes + sizeBytes);
  const records = changes.records ?? (await hostRecords(tree));
  const sizes = new Map(records.map(({ path, sizeBytes: bytes = 0 }) => [path, bytes]));
  const request = {
    ...{ uuid: UUID, hashSeed: SEED, label: 'root', epochSeconds: BUILD_EPOCH, root: '/' },
    ...{ records, file: image, offsetBytes, sizeBytes, ...changes },
  };
  return writeExt4(request, (paths, target) =>
    packFiles(
      paths.map((path) => ({ path: join(tree, path), sizeBytes: sizes.get(path) as number })),
      target,
      new AbortController().signal,
    ),
  );
}

/**
 * Runs `work` where the kernel shows a filesystem. Nobody else has the mount: a copy of it in the namespace of another process would keep the
 * filesystem in use.
 */
export async function mounted<T>(image: string, options: string, work: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(dirname(image), 'mount-'));
  const mounts = await HeldMounts.hold('mount -o "loop,$1" "$2" "$3"', options, image, directory);
  try {
    return await work(mounts.seen(directory));
  } finally {
    await run(...mounts.inside('umount', directory));
    await mounts.close();
  }
}

/** All that can be seen of a directory: records, with digests of files and the number of their names. */
export async function look(directory: string): Promise<readonly object[]> {
  const records = await hostRecords(directory);
  return records
    .filter(({ path }) => path !== '/lost+found')
    .map((record) => ({
      ...record,
      // A directory's size is its own affair.
      ...(record.type === 'file' && record.hardlinkOf === undefined ? { digest: digestFile(join(directory, record.path)) } : {}),
    }));
}

/** Gives everything one time. */
export function settle(directory: string, records: readonly TreeRecord[], seconds = BUILD_EPOCH - 100_000): void {
  for (const { path, type } of records.toReversed()) {
    if (type === 'symlink') lutimesSync(join(directory, path), seconds, seconds);
    else utimesSync(join(directory, path), seconds, seconds);
  }
}

/** Digests of a filesystem of 300 files, written at two places of two files, from trees whose files were made in opposite orders. */
export async function madeInTwoOrders(
  base: string,
  write: (tree: string, image: string, offsetBytes: number) => Promise<unknown>,
): Promise<readonly string[]> {
  const names = Array.from({ length: 300 }, (_, index) => `name-${(index * 7919) % 300}`);
  const digests: string[] = [];
  for (const [place, order] of [names, names.toReversed()].entries()) {
    const tree = join(base, `tree-${place}`);
    mkdirSync(tree, { mode: 0o755 });
    for (const name of order) writeFileSync(join(tree, name), name.repeat(50));
    settle(tree, await hostRecords(tree));
    const image = join(base, `image-${place}`);
    await write(tree, image, place * MIB);
    writeFileSync(image, readFileSync(image).subarray(place * MIB));
    digests.push(digestFile(image));
  }
  return digests;
}
