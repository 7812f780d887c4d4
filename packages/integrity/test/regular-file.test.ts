import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashFile } from '../src/content-hash.js';
import { readPresentFile, readRegularFile, readRegularFileSync, refuseSpecialFile } from '../src/regular-file.js';
import { isNoFile, isReadFailure } from '../src/system-error.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-regular-'));
  path = join(directory, 'path');
});
afterEach(() => rmSync(directory, { recursive: true }));

it.each<[string, () => unknown]>([
  ['a FIFO', () => execFileSync('mkfifo', [path])],
  ['a link to a FIFO', () => (execFileSync('mkfifo', [join(directory, 'fifo')]), symlinkSync('fifo', path))],
  ['a socket', () => once(createServer().listen(path).unref(), 'listening')],
  ['a device that never ends', () => symlinkSync('/dev/zero', path)],
])('%s is refused at once, and is no file', async (_what, put) => {
  await put();
  for (const attempt of [
    async () => refuseSpecialFile(path),
    () => readRegularFile(path),
    () => readPresentFile(path),
    () => hashFile(path),
  ]) {
    const error = await attempt().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ENXIO', path });
    expect([isNoFile(error), isReadFailure(error)]).toEqual([true, false]);
  }
});

it('a file is read, through a link too; of all else the system says what it is', async () => {
  writeFileSync(path, 'bytes');
  symlinkSync('path', join(directory, 'link'));
  expect(String(await readRegularFile(join(directory, 'link')))).toBe('bytes');
  symlinkSync('itself', join(directory, 'itself'));
  mkdirSync(join(directory, 'directory'));
  for (const [name, code] of [
    ['absent', 'ENOENT'],
    ['path/in', 'ENOTDIR'],
    ['directory', 'EISDIR'],
    ['itself', 'ELOOP'],
  ] as const) {
    await expect(readRegularFile(join(directory, name))).rejects.toMatchObject({ code });
  }
});

it('what may be there is read, and is nothing where nothing is', async () => {
  writeFileSync(path, 'bytes');
  expect(String(await readPresentFile(path))).toBe('bytes');
  for (const name of ['absent', 'path/in']) expect(await readPresentFile(join(directory, name))).toBeUndefined();
  await expect(readPresentFile(directory)).rejects.toMatchObject({ code: 'EISDIR' });
});

it('a file that is larger than any text is not read, and is no file', async () => {
  writeFileSync(path, '');
  truncateSync(path, 600 * 1024 * 1024);
  for (const attempt of [() => readRegularFile(path), async () => readRegularFileSync(path)]) {
    const error = await attempt().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ENXIO', path });
    expect(isNoFile(error)).toBe(true);
  }
});
