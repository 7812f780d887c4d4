import { createHash } from 'node:crypto';
import { lutimesSync, mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { packFiles } from '@ict/archive';
import { BUILD_EPOCH, execute, hostRecords, lookAt } from '@ict/fixtures';
import { withImage, type ReadableFilesystem } from '@ict/inspect';
import type { TreeRecord } from '@ict/plugin-api';
import type { PackContents, TreeWriting, TreeWritten } from '../../src/tree-writing.js';
import { MIB } from './specs.js';

/** What a program of the host prints; it must succeed. */
export async function run(program: string, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(program, argv);
  expect([program, exitCode, exitCode === 0 ? '' : stdout + stderr]).toEqual([program, 0, '']);
  return stdout;
}

/** Has an image written of a host directory, from its records or those that are given. */
export async function writeTreeOf(
  tree: string,
  image: string,
  changes: Pick<TreeWriting, 'sizeBytes'> & Partial<TreeWriting>,
  write: (writing: TreeWriting, pack: PackContents) => Promise<TreeWritten>,
): Promise<TreeWritten> {
  const { label = 'root', epochSeconds = BUILD_EPOCH, root = '/', file = image, offsetBytes = 0, sizeBytes } = changes;
  writeFileSync(file, '');
  truncateSync(file, offsetBytes + sizeBytes);
  const records = changes.records ?? (await hostRecords(tree));
  const sizes = new Map(records.map(({ path, sizeBytes: bytes = 0 }) => [path, bytes]));
  return write({ label, epochSeconds, records, root, file, offsetBytes, sizeBytes }, (paths, target) =>
    packFiles(
      paths.map((path) => ({ path: join(tree, path), sizeBytes: sizes.get(path) as number })),
      target,
      new AbortController().signal,
    ),
  );
}

/** The same as `look` at a mounted image, as it is read without mounting. */
export async function lookInto(image: string): Promise<readonly TreeRecord[]> {
  return withImage(image, ({ filesystems }) => lookAt((filesystems.get(0)?.files as ReadableFilesystem).walk()));
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
    digests.push(
      createHash('sha256')
        .update(readFileSync(image).subarray(place * MIB))
        .digest('hex'),
    );
  }
  return digests;
}
