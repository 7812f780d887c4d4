import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync, openSync, readSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '@ict/fixtures';
import { encodeGpt, partitionTypeGuid, SECTOR_BYTES, type GptPartition } from '@ict/image-parts';
import { expect, onTestFinished } from 'vitest';

export const MIB = 1024 * 1024;
export const DISK_GUID = '11111111-2222-3333-4444-555555555555';

/** A directory that is gone when the test ends. */
export function workDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ict-inspect-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** What a program of the host prints; it must succeed. */
export async function run(program: string, ...argv: readonly string[]): Promise<string> {
  // mtools take names for what the locale says; mke2fs dates what it makes itself.
  const env = ['LC_ALL=C.UTF-8', 'E2FSPROGS_FAKE_TIME=1700000000'];
  const { exitCode, stdout, stderr } = await execute('env', [...env, program, ...argv]);
  expect([program, exitCode, exitCode === 0 ? '' : stdout + stderr]).toEqual([program, 0, '']);
  return stdout;
}

/** A file of zeros. */
export function emptyFile(path: string, sizeBytes: number): string {
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}

/** A FAT with these files, made by programs of the host. */
export async function makeFat(
  path: string,
  sizeBytes: number,
  files: Readonly<Record<string, string | Buffer>>,
  ...options: string[]
): Promise<string> {
  emptyFile(path, sizeBytes);
  await run('mkfs.vfat', ...options, '-i', 'abcd1234', path);
  const made = new Set<string>();
  for (const [name, content] of Object.entries(files)) {
    const parts = name.split('/').slice(1, -1);
    for (let count = 1; count <= parts.length; count++) {
      const directory = `/${parts.slice(0, count).join('/')}`;
      if (!made.has(directory)) await run('mmd', '-i', path, `::${directory}`);
      made.add(directory);
    }
    writeFileSync(`${path}.content`, content);
    await run('mcopy', '-i', path, `${path}.content`, `::${name}`);
  }
  return path;
}

/** A disk whose partitions have the content of files, one behind the other. */
export function makeDisk(
  path: string,
  partitions: readonly { readonly type: string; readonly name: string; readonly file: string; readonly sizeBytes: number }[],
): string {
  let lba = 2048;
  const entries: GptPartition[] = [];
  for (const [index, { type, name, sizeBytes }] of partitions.entries()) {
    entries.push({
      typeGuid: partitionTypeGuid(type) as string,
      partitionGuid: `00000000-0000-0000-0000-00000000000${index + 1}`,
      firstLba: lba,
      lastLba: lba + sizeBytes / SECTOR_BYTES - 1,
      attributes: index === 0 ? 0n : 1n << 60n,
      name,
    });
    lba += sizeBytes / SECTOR_BYTES;
  }
  const sectors = lba + 2048;
  emptyFile(path, sectors * SECTOR_BYTES);
  const { primary, backup, backupOffset } = encodeGpt({ diskGuid: DISK_GUID, sectors, partitions: entries });
  overwrite(path, 0, primary);
  overwrite(path, backupOffset, backup);
  for (const [index, { file, sizeBytes }] of partitions.entries()) {
    const content = Buffer.alloc(sizeBytes);
    const from = openSync(file, 'r');
    readSync(from, content, 0, sizeBytes, 0);
    closeSync(from);
    overwrite(path, (entries[index] as GptPartition).firstLba * SECTOR_BYTES, content);
  }
  return path;
}

/** Writes bytes at a place in a file; from its end where the place is below 0. */
export function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

/** The same bytes in another file. */
export function copyOf(path: string, name: string): string {
  const copy = `${path}.${name}`;
  copyFileSync(path, copy);
  return copy;
}
