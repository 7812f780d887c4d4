import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readFatGeometry, type FatGeometry } from '../src/read-fat-geometry.js';

const SIZE = 64 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'ict-fat-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The geometry of a file with these bytes, or the code of its error. */
async function answer(bytes: Uint8Array, offset = 0): Promise<FatGeometry | string> {
  const path = join(directory, 'disk');
  writeFileSync(path, bytes);
  await using file = await open(path, 'r');
  try {
    return await readFatGeometry(file, offset, 'boot');
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function expectSound(found: FatGeometry | string, sizeBytes: number): void {
  if (typeof found === 'string') {
    expect(found).toBe('ICT_DISK_FILESYSTEM');
    return;
  }
  expect(found.usedClusters).toBeGreaterThanOrEqual(0);
  expect(found.usedClusters).toBeLessThanOrEqual(found.clusters);
  expect(found.dataOffset + found.clusters * found.clusterBytes).toBeLessThanOrEqual(sizeBytes);
}

/** Mostly a value that fits a file of `SIZE`, so that many sectors are sound; now and then anything. */
function mostly(likely: fc.Arbitrary<number>, largest: number): fc.Arbitrary<number> {
  return fc.oneof({ weight: 9, arbitrary: likely }, { weight: 1, arbitrary: fc.nat(largest) });
}

/** A file of `SIZE` that begins with a boot sector; the rest repeats a few random bytes. */
const bootSector = fc
  .record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 1024 }),
    sectorBytes: mostly(fc.constant(512), 0xffff),
    clusterSectors: mostly(fc.constantFrom(1, 2, 4), 0xff),
    reserved: mostly(fc.constantFrom(1, 2, 32), 0xffff),
    tables: mostly(fc.constantFrom(1, 2), 0xff),
    rootEntries: mostly(fc.constantFrom(0, 16, 512), 0xffff),
    sectors: mostly(fc.integer({ min: 64, max: 128 }), 0xffff),
    tableSectors: mostly(fc.integer({ min: 1, max: 8 }), 0xffff),
    large: fc.nat(0xffff_ffff),
  })
  .map((fields) => {
    const sector = Buffer.alloc(SIZE, fields.bytes);
    sector.writeUInt16LE(fields.sectorBytes, 11);
    sector.writeUInt8(fields.clusterSectors, 13);
    sector.writeUInt16LE(fields.reserved, 14);
    sector.writeUInt8(fields.tables, 16);
    sector.writeUInt16LE(fields.rootEntries, 17);
    sector.writeUInt16LE(fields.sectors, 19);
    sector.writeUInt16LE(fields.tableSectors, 22);
    sector.writeUInt32LE(fields.large, 32);
    sector.writeUInt32LE(fields.large, 36);
    sector.writeUInt16LE(0xaa55, 510);
    return sector;
  });

describe('readFatGeometry', () => {
  it('answers or refuses any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1024 }), fc.nat(2048), async (bytes, offset) => {
        expect(await answer(bytes, offset)).toBe('ICT_DISK_FILESYSTEM');
      }),
    );
  });

  it('answers or refuses any boot sector, within the file', async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(bootSector, async (bytes) => {
        const found = await answer(bytes);
        if (typeof found !== 'string') answered++;
        expectSound(found, SIZE);
      }),
      { numRuns: 300 },
    );
    expect(answered).toBeGreaterThan(0);
  });

  it('refuses sizes that only a far larger file could have, without reading them', async () => {
    const sector = Buffer.alloc(512);
    sector.writeUInt16LE(4096, 11);
    sector.writeUInt8(1, 13);
    sector.writeUInt8(1, 16);
    sector.writeUInt32LE(0xffff_ffff, 32);
    sector.writeUInt32LE(0x00ff_ffff, 36);
    sector.writeUInt16LE(0xaa55, 510);
    expect(await answer(sector)).toBe('ICT_DISK_FILESYSTEM');
  });

  it.each([
    [16, 16],
    [32, 40],
  ])('reads what mkfs.vfat writes for FAT%i, and refuses it cut short', async (width, mebibytes) => {
    const path = join(directory, `fat${width}`);
    closeSync(openSync(path, 'w'));
    truncateSync(path, mebibytes * 1024 * 1024);
    execFileSync('/usr/sbin/mkfs.vfat', ['-F', String(width), path], { stdio: 'ignore' });
    await using file = await open(path, 'r+');
    const fresh = await readFatGeometry(file, 0, 'boot');
    expectSound(fresh, mebibytes * 1024 * 1024);
    // FAT32 keeps its root directory in the first cluster; FAT16 has it before the clusters.
    expect(fresh.usedClusters).toBe(width === 32 ? 1 : 0);
    const end = openSync(path, 'r+');
    const sector = Buffer.alloc(512);
    await file.read(sector, 0, 512, 0);
    const table = sector.readUInt16LE(14) * sector.readUInt16LE(11);
    writeSync(end, Buffer.from([0xff]), 0, 1, table + (fresh.clusters + 1) * (width / 8));
    closeSync(end);
    expect((await readFatGeometry(file, 0, 'boot')).usedClusters).toBe(fresh.clusters);
    truncateSync(path, (mebibytes - 1) * 1024 * 1024);
    await expect(readFatGeometry(file, 0, 'boot')).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
  });
});
