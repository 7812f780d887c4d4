import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAT16_MAXIMUM_BYTES, FAT16_MINIMUM_BYTES, FAT32_MAXIMUM_BYTES, FAT32_MINIMUM_BYTES, layOutFat } from '../../src/fat/layout.js';

const MIB = 1024 * 1024;

describe('layOutFat', () => {
  it.each([
    [32, FAT32_MINIMUM_BYTES, 1],
    [32, 64 * MIB, 1],
    [32, 100 * MIB, 2],
    [32, 512 * MIB, 8],
    [32, 4096 * MIB, 8],
    [16, 9 * MIB, 4],
    [16, 100 * MIB, 8],
    [16, 512 * MIB, 16],
    [16, 32_744 * 512, 4],
    [16, FAT16_MAXIMUM_BYTES, 64],
    [32, FAT32_MAXIMUM_BYTES, 16],
  ] as const)('gives a FAT%i of %i bytes clusters of %i sectors', (width, sizeBytes, expected) => {
    expect(layOutFat(width, sizeBytes, 0).clusterSectors).toBe(expected);
  });

  it.each([
    [16, FAT16_MINIMUM_BYTES, FAT16_MAXIMUM_BYTES, 4085, 65_524, 65_520],
    [32, FAT32_MINIMUM_BYTES, 4096 * MIB, 65_525, 268_435_445, 65_536],
  ] as const)('makes a FAT%i of any size from %i to %i one that readers take for it', (width, least, most, fewest, greatest, entries) => {
    fc.assert(
      fc.property(fc.integer({ min: least / 512, max: most / 512 }), fc.integer({ min: 0, max: entries }), (sectors, rootEntries) => {
        const { clusters, clusterSectors, dataSector, fatSectors } = layOutFat(width, sectors * 512, rootEntries);
        expect(clusters).toBeGreaterThanOrEqual(fewest);
        expect(clusters).toBeLessThanOrEqual(greatest);
        expect((clusters + 2) * (width / 8)).toBeLessThanOrEqual(fatSectors * 512);
        expect(dataSector + clusters * clusterSectors).toBeLessThanOrEqual(sectors);
      }),
    );
  });
});
