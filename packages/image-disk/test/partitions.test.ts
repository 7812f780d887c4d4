import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PartitionSpec } from '@ict/plugin-api';
import { lastUsableLba } from '@ict/image-parts';
import { layoutDisk, planLayout } from '../src/partitions.js';
import { MIB, esp, root } from './support/specs.js';

const disk = (sizeBytes: number, partitions: readonly PartitionSpec[], partitionTable: 'gpt' | 'mbr' = 'gpt') => ({
  ...{ name: 'disk', sizeBytes, partitionTable, partitions },
});
const part = (id: string, startBytes: number, endBytes?: number): PartitionSpec => ({
  ...root,
  id,
  startBytes,
  ...(endBytes === undefined ? {} : { endBytes }),
});

describe('layoutDisk', () => {
  it('gives the last partition everything up to the backup table', () => {
    const { sectors, partitions } = layoutDisk(disk(80 * MIB, [esp, root]));
    expect(sectors).toBe(163840);
    expect(partitions.map(({ firstLba, lastLba }) => [firstLba, lastLba])).toEqual([
      [2048, 83967],
      [83968, 163840 - 34],
    ]);
    expect(partitions.map(({ offsetBytes, sizeBytes }) => [offsetBytes, sizeBytes])).toEqual([
      [MIB, 40 * MIB],
      [41 * MIB, 39 * MIB - 33 * 512],
    ]);
  });

  it.each<[string, number, PartitionSpec[], string[]]>([
    ['a size that is no number of sectors', 80 * MIB + 1, [], ['size']],
    ['a disk smaller than its tables', 4096, [], ['no room']],
    ['a disk without a size, and nothing of what would be on it', 0, [esp, root], ['no room']],
    ['a start inside the first MiB', 80 * MIB, [part('a', 4096)], ['MiB boundary']],
    ['a start off the boundary', 80 * MIB, [part('a', MIB + 512)], ['MiB boundary']],
    ['an end off a sector', 80 * MIB, [part('a', MIB, 2 * MIB + 1)], ['multiple of 512']],
    ['an end on the backup table', 80 * MIB, [part('a', MIB, 80 * MIB)], ['backup partition table']],
    ['an end before the start', 80 * MIB, [part('a', 4 * MIB, 2 * MIB)], ['before its start']],
    ['a start beyond the disk', 80 * MIB, [part('a', 90 * MIB)], ['beyond']],
    ['overlap', 80 * MIB, [part('a', MIB, 20 * MIB), part('b', 10 * MIB, 30 * MIB)], ['"a" and "b" overlap']],
    ['two rests', 80 * MIB, [part('a', MIB), part('b', 10 * MIB)], ['"a" and "b" overlap']],
    ['several at once', 80 * MIB, [part('a', 0, 2 * MIB), part('b', 4 * MIB, 3 * MIB)], ['MiB boundary', 'before its start']],
  ])('refuses %s', (_, sizeBytes, partitions, parts) => {
    const { problems } = planLayout(disk(sizeBytes, partitions));
    expect(problems).toHaveLength(parts.length);
    parts.forEach((text, index) => expect(problems[index]?.message).toContain(text));
    expect(() => layoutDisk(disk(sizeBytes, partitions))).toThrowError(
      expect.objectContaining({ code: 'ICT_DISK_LAYOUT', kind: 'invalid' }),
    );
  });

  it('gives the last partition of an MBR everything to the end of the disk', () => {
    const { partitions } = layoutDisk(disk(80 * MIB, [part('a', MIB, 20 * MIB), part('b', 20 * MIB)], 'mbr'));
    expect(partitions.map(({ firstLba, lastLba }) => [firstLba, lastLba])).toEqual([
      [2048, 40959],
      [40960, 163839],
    ]);
    expect(planLayout(disk(2 * 2 ** 40, [part('a', MIB)], 'mbr')).problems).toEqual([]);
  });

  it.each<[string, number, PartitionSpec[], string[]]>([
    ['a fifth partition', 80 * MIB, [1, 2, 3, 4, 5].map((at) => part(`p${at}`, at * MIB, (at + 1) * MIB)), ['"p5" is one more than the 4']],
    ['a disk of more than 2 TiB', 2 * 2 ** 40 + MIB, [part('a', MIB, 2 * MIB)], ['the 2 TiB that an MBR reaches']],
    ['an end beyond the disk', 80 * MIB, [part('a', MIB, 81 * MIB)], ['but the disk ends at byte 83886080']],
    ['a start inside the first MiB', 80 * MIB, [part('a', 512)], ['MiB boundary']],
  ])('refuses %s with an MBR', (_, sizeBytes, partitions, parts) => {
    expect(planLayout(disk(sizeBytes, partitions, 'mbr')).problems.map(({ message }) => message)).toEqual(
      parts.map((text) => expect.stringContaining(text) as string),
    );
  });

  it('keeps partitions apart, aligned and between the tables, or refuses', () => {
    const edge = fc.integer({ min: 0, max: 200 }).map((count) => count * (MIB / 2));
    const anyPartitions = fc.array(fc.tuple(edge, fc.option(edge, { nil: undefined })), { maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), anyPartitions, (mebibytes, edges) => {
        const partitions = edges.map(([start, end], index) => part(`p${index}`, start, end));
        const { layout, problems } = planLayout(disk(mebibytes * MIB, partitions));
        if (problems.length > 0) return;
        let free = 2048;
        for (const { firstLba, lastLba } of [...layout.partitions].sort((a, b) => a.firstLba - b.firstLba)) {
          expect(firstLba % 2048).toBe(0);
          expect(firstLba).toBeGreaterThanOrEqual(free);
          expect(lastLba).toBeGreaterThanOrEqual(firstLba);
          expect(lastLba).toBeLessThanOrEqual(lastUsableLba(layout.sectors));
          free = lastLba + 1;
        }
      }),
    );
  });
});
