import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { EXT4_FEATURES } from '../src/ext4/features.js';
import { INODE_BYTES, layOut, type Geometry } from '../src/ext4/geometry.js';
import { encodeInode } from '../src/ext4/inode.js';
import { encodeSuperblock } from '../src/ext4/superblock.js';
import { MKE2FS_CONF } from '../src/filesystem-ext.js';
import { check, write } from './support/ext4-images.js';
import { run } from './support/tree-images.js';
import { MIB } from './support/specs.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-ext4-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('layOut', () => {
  it.each([4, 9, 127, 128, 520, 1024, 4100, 20_000, 70_000])('divides %i MiB as mke2fs does', async (mib) => {
    const image = join(base, 'image');
    const configuration = join(base, 'mke2fs.conf');
    writeFileSync(configuration, `${MKE2FS_CONF}ext4 = {\nfeatures = ${EXT4_FEATURES.join(',')}\n}\n`);
    const argv = ['-q', '-F', '-t', 'ext4', '-E', 'lazy_itable_init=1,nodiscard', image, `${mib}m`];
    const { stderr } = await execute('mke2fs', argv, { PATH: '/usr/sbin:/sbin', MKE2FS_CONFIG: configuration });
    expect(stderr).not.toMatch(/^mke2fs: /mu);
    const text = await run('dumpe2fs', '-h', image);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(text)?.[1] ?? 0);
    const geometry = layOut(mib * 256);
    expect(geometry).toMatchObject({
      blocks: field('Block count'),
      inodes: field('Inode count'),
      inodesPerGroup: field('Inodes per group'),
      reservedDescriptorBlocks: field('Reserved GDT blocks'),
      journalBlocks: field('Total journal blocks'),
    });
  });

  it.each([129, 130, 2048 + 1, 2048 + 40, 3400, 70_000, 200_000])(
    'makes a sound filesystem of %i MiB, whose last groups are odd or whose journal is in many pieces',
    async (mib) => {
      const image = join(base, 'image');
      expect(await write(base, image, { records: [], sizeBytes: mib * MIB })).toEqual({ kind: 'written' });
      expect(await check(image)).toContain('root: 11/');
    },
  );

  it('leaves blocks free that nothing else has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (blocks) => {
        const geometry = layOut(blocks);
        if (geometry === undefined) return blocks < 4096;
        const ends = geometry.free.map(({ at, count }) => [at, at + count] as const);
        const ordered = ends.every(([start, end], index) => start < end && (index === 0 || start > (ends[index - 1]?.[1] as number)));
        return ordered && (ends.at(-1)?.[1] as number) <= geometry.blocks && blocks - geometry.blocks < 40_000;
      }),
      { numRuns: 60 },
    );
  });
});

describe('encodeSuperblock', () => {
  const uuid = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
  const journal = { sizeBytes: 0, content: Buffer.alloc(60) };
  const fields = { uuid, hashSeed: uuid, label: '', seconds: 0, freeBlocks: 0, freeInodes: 0, journal };

  it('keeps what there is room for of the number of a group beyond 65535', () => {
    const copy = encodeSuperblock(layOut(2 ** 32 - 1) as Geometry, fields, 5 ** 7);
    expect(copy.readUInt16LE(0x5a)).toBe(5 ** 7 - 2 ** 16);
  });

  it.each([
    [0x30, 0x274],
    [0x40, 0x277],
    [0x108, 0x276],
  ])('tells times after 2106 at %i and %i', (low, high) => {
    const bytes = encodeSuperblock(layOut(4096) as Geometry, { ...fields, seconds: 2 ** 32 + 5 }, 0);
    expect([bytes.readUInt32LE(low), bytes.readUInt8(high)]).toEqual([5, 1]);
  });
});

describe('encodeInode', () => {
  it.each([
    [-(2 ** 31) - 5, -(2 ** 31), 0],
    [-1, -1, 0],
    [2 ** 31 + 7, -(2 ** 31) + 7, 1],
    [2 ** 32 + 7, 7, 1],
  ])('writes %i seconds as %i and %i', (seconds, low, high) => {
    const table = Buffer.alloc(INODE_BYTES);
    encodeInode(table, 0, { mode: 0, uid: 0, gid: 0, sizeBytes: 0, links: 1, blocks: 0, flags: 0, seconds }, 0);
    for (const [at, extra] of [
      [0x8, 0x8c],
      [0xc, 0x84],
      [0x10, 0x88],
      [0x90, 0x94],
    ] as const)
      expect([table.readInt32LE(at), table.readUInt32LE(extra)]).toEqual([low, high]);
  });
});
