import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asSystemError, copySparse } from '../src/copy-sparse.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-holes-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const SIZE_BYTES = 64 * 2 ** 20;
const copy = (from: string, to: string): Promise<void> => copySparse(from, to, new AbortController().signal);

describe('a copy with holes', () => {
  it('has the bytes and the holes of its file, and the mode of a new one', async () => {
    const [source, target] = [join(directory, 'disk.raw'), join(directory, 'copy.raw')];
    writeFileSync(source, 'begins', { mode: 0o440 });
    truncateSync(source, SIZE_BYTES);
    const umask = process.umask(0o027);
    await copy(source, target).finally(() => process.umask(umask));
    const { size, mode, blocks } = statSync(target);
    expect([size, mode & 0o7777, readFileSync(target).equals(readFileSync(source))]).toEqual([SIZE_BYTES, 0o640, true]);
    expect(blocks * 512).toBeLessThan(SIZE_BYTES / 8);
  });

  it('is made through no link', async () => {
    const [source, target, other] = ['disk.raw', 'copy.raw', 'other'].map((name) => join(directory, name)) as [string, string, string];
    writeFileSync(source, 'disk');
    symlinkSync(other, target);
    await copy(source, target);
    expect([lstatSync(target).isFile(), existsSync(other)]).toEqual([true, false]);
  });

  it.each([
    ['ENOENT', (place: string) => [join(place, 'absent'), join(place, 'copy')]],
    ['ENOENT', (place: string) => [join(place, 'disk'), join(place, 'absent/copy')]],
    ['ENOTDIR', (place: string) => [join(place, 'disk'), join(place, 'disk/copy')]],
  ] as const)('fails as Node does: %s', async (code, files) => {
    writeFileSync(join(directory, 'disk'), 'disk');
    const [from, to] = files(directory) as [string, string];
    await expect(copy(from, to)).rejects.toMatchObject({ code });
  });

  it.each([
    ["cp: error writing '/c/.new/a.raw': No space left on device", 'ENOSPC'],
    ["cp: error writing '/c/.new/a.raw': Disk quota exceeded", 'EDQUOT'],
    ["cp: error reading '/a.raw': Input/output error", 'EIO'],
    ["cp: cannot create regular file '/c/.new/a.raw': Permission denied", 'EACCES'],
  ])('tells a refusal of the system by its name: %s', (words, code) => {
    const error = Object.assign(new Error('Command failed'), { code: 1, stderr: `${words}\n` });
    expect(asSystemError(error)).toMatchObject({ code, message: words, cause: error });
  });

  it('leaves other errors as they are', () => {
    const errors = [
      new Error('x'),
      Object.assign(new Error('x'), { stderr: 'cp: unrecognized option\n' }),
      Object.assign(new Error('x'), { code: 'ENOENT', path: 'cp' }),
    ];
    expect(errors.map(asSystemError)).toEqual(errors);
  });
});
