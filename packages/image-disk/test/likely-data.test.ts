import { open } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostBuild, type HostBuild } from '@ict/fixtures';
import { createDiskFormat } from '../src/format.js';
import { likelyData, merge } from '../src/likely-data.js';
import { layoutDisk } from '../src/partitions.js';
import { MIB, bootable, esp, imageInput, imageSpec, root } from './support/specs.js';

describe('likelyData', () => {
  let build: HostBuild;
  beforeEach(() => {
    build = hostBuild();
  });
  afterEach(() => build.remove());

  it.each(['ext4', 'erofs', 'squashfs'] as const)(
    'covers every byte of a disk with an %s that is not zero, and little else',
    async (filesystem) => {
      const changes = { disk: { partitions: [esp, { ...root, label: '', filesystem }] } };
      const files = {
        ...bootable,
        ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`usr/share/${index}`, new Uint8Array(100_000).fill(index + 1)])),
      };
      const [artifact] = await createDiskFormat().build(imageInput(build.tree(files), changes), build.steps, build.ctx);
      const disk = build.blobPath((artifact as { blob: Parameters<HostBuild['blobPath']>[0] }).blob);
      const ranges = await likelyData(disk, layoutDisk(imageSpec(changes).disk));
      const zeros = Buffer.alloc(4096);
      const missed: number[] = [];
      await using handle = await open(disk, 'r');
      const block = Buffer.alloc(4096);
      for (let offset = 0; offset < 80 * MIB; offset += 4096) {
        await handle.read(block, 0, 4096, offset);
        if (!block.equals(zeros) && !ranges.some((range) => range.offset < offset + 4096 && offset < range.offset + range.length))
          missed.push(offset);
      }
      expect(missed).toEqual([]);
      expect(ranges.reduce((sum, range) => sum + range.length, 0)).toBeLessThan(30 * MIB);
    },
  );
});

describe('merge', () => {
  it('joins what touches or nearly does', () => {
    const ranges = [
      { offset: 50, length: 10 },
      { offset: 0, length: 10 },
      { offset: 12, length: 3 },
      { offset: 2, length: 1 },
    ];
    expect(merge(ranges, 5)).toEqual([
      { offset: 0, length: 15 },
      { offset: 50, length: 10 },
    ]);
  });
});
