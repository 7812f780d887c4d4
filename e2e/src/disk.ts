import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SECTOR_BYTES = 512;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Byte offset of a partition of a disk image, by its place in the table, the first being 0. */
export async function partitionOffset(disk: string, index: number): Promise<number> {
  return (await partitionOf(disk, index)).start * SECTOR_BYTES;
}

/** Copies a partition of a disk image, by its place in the table, to a file. @returns the file. */
export async function cutPartition(disk: string, index: number, file: string): Promise<string> {
  const { start, size } = await partitionOf(disk, index);
  const range = [`skip=${start * SECTOR_BYTES}`, `count=${size * SECTOR_BYTES}`, 'iflag=skip_bytes,count_bytes'];
  await run('dd', [`if=${disk}`, `of=${file}`, 'bs=1M', ...range, 'conv=sparse', 'status=none']);
  return file;
}

/** Copies a disk image as it would be written to a disk that is larger by so many bytes. @returns the copy. */
export async function largerCopy(disk: string, copy: string, moreBytes: number): Promise<string> {
  await run('cp', ['--sparse=always', disk, copy]);
  await truncate(copy, (await stat(copy)).size + moreBytes);
  return copy;
}

/** Place of a partition in sectors. */
async function partitionOf(disk: string, index: number): Promise<{ readonly start: number; readonly size: number }> {
  const table = JSON.parse((await run('sfdisk', ['--json', disk])).stdout) as {
    readonly partitiontable: { readonly partitions: readonly { readonly start: number; readonly size: number }[] };
  };
  const partition = table.partitiontable.partitions[index];
  if (partition === undefined) throw new Error(`${disk} has no partition ${index + 1}`);
  return partition;
}

/** Asks debugfs about the root file system of a disk image, its second partition. @returns what it prints. */
export async function askRoot(disk: string, request: string): Promise<string> {
  return debugfs(disk, ['-R', request]);
}

/**
 * Copies the files of an image's root partition to a new directory. Extended attributes stay behind.
 *
 * @returns the directory.
 */
export async function rootTree(disk: string, tree: string): Promise<string> {
  await mkdir(tree);
  await askRoot(disk, `rdump / ${tree}`);
  // What it copies has no bits for set-user-ID, set-group-ID and sticky.
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  const requests = `${tree}.debugfs`;
  await writeFile(requests, paths.map((path) => `stat "${path.slice(tree.length)}"\n`).join(''));
  const told = await debugfs(disk, ['-f', requests]);
  const modes = [...told.matchAll(/^Inode: .* Mode: +(\d+) /gm)].map(([, mode]) => Number.parseInt(mode ?? '', 8));
  if (modes.length !== paths.length) throw new Error(`debugfs knows ${modes.length} of ${paths.length} paths`);
  for (const [index, path] of paths.entries()) if ((modes[index] as number) > 0o777) await chmod(path, modes[index] as number);
  return tree;
}

async function debugfs(disk: string, args: readonly string[]): Promise<string> {
  const filesystem = `${disk}?offset=${await partitionOffset(disk, 1)}`;
  return (await run('debugfs', [...args, filesystem], { maxBuffer: MAX_OUTPUT_BYTES })).stdout;
}
