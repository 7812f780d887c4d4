import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gathered, type FileEntry } from '../src/filesystems/filesystem.js';
import { withImage } from '../src/inspect-image.js';
import { makeFat, MIB, overwrite, workDirectory } from './images.js';

const FILES: Readonly<Record<string, string | Buffer>> = {
  '/SHORT.TXT': 'short',
  '/lower.txt': 'lower',
  '/a long name with ünïcode and more than thirteen units.conf': 'long',
  '/dir/sub dir/deep': Buffer.alloc(70_000, 'deep'),
  '/dir/empty': '',
};

describe.each([
  ['FAT12', 2 * MIB, ['-F', '12']],
  ['FAT16', 20 * MIB, ['-F', '16']],
  ['FAT32', 40 * MIB, ['-F', '32', '-s', '1']],
])('%s', (_name, sizeBytes, options) => {
  it('is read as programs of the host wrote it', async () => {
    const image = await makeFat(join(workDirectory(), 'image'), sizeBytes, FILES, ...options, '-n', 'LABEL');
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'vfat', label: 'LABEL', id: 'ABCD-1234', sizeBytes } }]);
      const found = new Map<string, FileEntry>();
      for await (const entry of filesystems.get(0)?.files?.walk() ?? []) found.set(entry.path, entry);
      expect([...found.keys()].sort()).toEqual([...Object.keys(FILES), '/', '/dir', '/dir/sub dir'].sort());
      for (const [path, content] of Object.entries(FILES)) {
        expect((await gathered((found.get(path) as FileEntry).content())).equals(Buffer.from(content)), path).toBe(true);
      }
      const free = report.partitions[0]?.filesystem?.freeBytes ?? 0;
      expect(free).toBeGreaterThan(sizeBytes - 1_000_000);
      expect(free).toBeLessThan(sizeBytes);
    });
  });
});

it('clusters that run in a circle are a problem', async () => {
  const image = await makeFat(join(workDirectory(), 'image'), 20 * MIB, { '/loader/file': 'text' }, '-F', '16');
  await withImage(image, async ({ filesystems }) => {
    const directory = await filesystems.get(0)?.files?.find('/loader');
    // The first table begins behind the reserved sectors; cluster 2 is the directory.
    for (const sectors of [1, 4]) overwrite(image, sectors * 512 + 2 * 2, Buffer.from([2, 0]));
    expect(directory?.type).toBe('directory');
  });
  await withImage(image, async ({ filesystems }) => {
    await expect(filesystems.get(0)?.files?.list('/loader')).rejects.toThrow('run in a circle');
  });
});
