import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTarFile, writeTarFile } from '../src/index.js';
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

describe('a tar archive that is written to a file', () => {
  const header = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000 };
  const entries = [
    { ...header, path: 'd', type: 'directory', mode: 0o755 },
    { ...header, path: 'd/large', type: 'file', content: Buffer.alloc(300_000, 'large ') },
    { ...header, path: 'd/link', type: 'symlink', linkTarget: 'large' },
  ] as const;

  it('is what tar reads', async () => {
    const directory = temporaryDirectory();
    await writeTarFile(join(directory, 'archive.tar'), entries);
    sh('tar -xf archive.tar', directory);
    expect(readFileSync(join(directory, 'd', 'link')).equals(entries[1].content)).toBe(true);
  });

  it('never takes the place of another file', async () => {
    const file = join(temporaryDirectory(), 'archive.tar');
    writeFileSync(file, 'kept');
    await expect(writeTarFile(file, entries)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('ends with what its entries fail with', async () => {
    const short = { ...header, path: 'short', type: 'file', sizeBytes: 5, content: Buffer.from('1234') } as const;
    await expect(writeTarFile(join(temporaryDirectory(), 'archive.tar'), [short])).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY' });
  });
});
