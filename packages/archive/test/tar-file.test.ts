import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTarFile } from '../src/index.js';
import { gather, sh, temporaryDirectory } from './workspace.js';

describe('a tar archive in a file', () => {
  it.each([
    ['as it is', 'cat'],
    ['gzip', 'gzip'],
    ['xz', 'xz'],
    ['bzip2', 'bzip2'],
  ])('is read by what its first bytes say, whatever its name (%s)', async (_what, program) => {
    const directory = temporaryDirectory();
    sh(`mkdir d; echo hello > d/file; tar -c d | ${program} > archive`, directory);
    const entries = await gather(readTarFile(join(directory, 'archive')));
    expect(entries.map(({ path, type }) => [path, type])).toEqual([
      ['d', 'directory'],
      ['d/file', 'file'],
    ]);
  });

  it.each([
    ['an empty file', '', 'ICT_ARCHIVE_TRUNCATED'],
    ['a text', 'no archive '.repeat(100), 'ICT_ARCHIVE_TAR_HEADER'],
  ])('is refused when it is %s', async (_what, bytes, code) => {
    const file = join(temporaryDirectory(), 'archive.tar');
    writeFileSync(file, bytes);
    await expect(gather(readTarFile(file))).rejects.toMatchObject({ code });
  });

  it('ends with the error of Node when it cannot be read', async () => {
    await expect(gather(readTarFile(join(temporaryDirectory(), 'absent')))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
