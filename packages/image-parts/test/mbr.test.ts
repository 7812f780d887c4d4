import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { SECTOR_BYTES } from '../src/gpt.js';
import { decodeMbr, encodeMbr, MBR_SECTORS, type MbrPartition, type MbrTable } from '../src/mbr.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-mbr-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const GIB = 2 ** 30;
/** One in front of the last cylinder that can be told, one across it, one behind. */
const table: MbrTable = {
  signature: '0a7b8c9d',
  partitions: [
    { type: 0xef, isActive: false, firstLba: 2048, lastLba: 67583 },
    { type: 0x83, isActive: true, firstLba: 67584, lastLba: 30_000_000 },
    { type: 0x82, isActive: false, firstLba: 30_000_128, lastLba: (100 * GIB) / SECTOR_BYTES - 1 },
  ],
};

/** A sparse disk of 100 GiB. */
function diskFile(name: string, sector: Uint8Array = Buffer.alloc(0)): string {
  const file = join(directory, name);
  writeFileSync(file, sector);
  truncateSync(file, 100 * GIB);
  return file;
}

const one = (changes: Partial<MbrPartition> = {}): MbrPartition => ({
  type: 0x83,
  isActive: false,
  firstLba: 2048,
  lastLba: 4095,
  ...changes,
});

describe('encodeMbr', () => {
  it('is read by sfdisk as it was written, and leaves it nothing to say', async () => {
    const file = diskFile('read.raw', encodeMbr(table));
    const read = JSON.parse((await execute('sfdisk', ['--json', file])).stdout).partitiontable;
    expect(read).toMatchObject({ label: 'dos', id: '0x0a7b8c9d', sectorsize: 512 });
    expect(read.partitions).toMatchObject([
      { start: 2048, size: 65536, type: 'ef' },
      { start: 67584, size: 29_932_417, type: '83', bootable: true },
      { start: 30_000_128, size: 179_715_072, type: '82' },
    ]);
    const { exitCode, stdout, stderr } = await execute('sfdisk', ['--verify', file]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('No errors detected');
  });

  it('is what sfdisk itself writes for the same table, byte for byte', async () => {
    const lines = table.partitions.map(
      ({ type, isActive, firstLba, lastLba }) =>
        `start=${firstLba}, size=${lastLba - firstLba + 1}, type=${type.toString(16)}${isActive ? ', bootable' : ''}`,
    );
    const script = join(directory, 'script');
    writeFileSync(script, ['label: dos', `label-id: 0x${table.signature}`, ...lines, ''].join('\n'));
    const file = diskFile('theirs.raw');
    const written = await execute('sh', ['-c', 'sfdisk --quiet "$1" < "$2"', 'sh', file, script]);
    expect(written).toMatchObject({ exitCode: 0 });
    const sector = await execute('sh', ['-c', 'head -c 512 "$1" > "$2"', 'sh', file, join(directory, 'sector')]);
    expect(sector.exitCode).toBe(0);
    expect(readFileSync(join(directory, 'sector'))).toEqual(Buffer.from(encodeMbr(table)));
  });

  it.each<[string, readonly MbrPartition[], string]>([
    ['five partitions', [0, 1, 2, 3, 4].map((at) => one({ firstLba: 2048 * at + 2048, lastLba: 2048 * at + 4095 })), 'at most 4'],
    ['two active ones', [one({ isActive: true }), one({ isActive: true, firstLba: 4096, lastLba: 6143 })], 'active'],
    ['one that ends before it begins', [one({ lastLba: 2047 })], 'empty'],
    ['one on the table', [one({ firstLba: 0 })], 'overlaps'],
    ['overlap', [one(), one({ firstLba: 4095, lastLba: 5000 })], 'overlaps'],
    ['one without a type', [one({ type: 0 })], 'no type'],
    ['an end beyond 2 TiB', [one({ lastLba: MBR_SECTORS })], '2 TiB'],
  ])('refuses %s', (_, partitions, message) => {
    expect(() => encodeMbr({ signature: '00000001', partitions })).toThrow(message);
  });
});

describe('decodeMbr', () => {
  it('reads what was written', () => {
    const last = fc.integer({ min: 2, max: MBR_SECTORS - 1 });
    const type = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(fc.uniqueArray(last, { minLength: 1, maxLength: 4 }), type, fc.nat({ max: 0xffff_ffff }), (ends, kind, number) => {
        const sorted = [...ends].sort((a, b) => a - b);
        const partitions = sorted.map((lastLba, index) =>
          one({ type: kind, isActive: index === 1, firstLba: (sorted[index - 1] ?? 0) + 1, lastLba }),
        );
        const signature = number.toString(16).padStart(8, '0');
        expect(decodeMbr(Buffer.from(encodeMbr({ signature, partitions })))).toEqual({
          signature,
          entries: partitions.map(({ lastLba, ...rest }, index) => ({ ...rest, number: index + 1, sectors: lastLba - rest.firstLba + 1 })),
        });
      }),
    );
  });

  it.each<[string, (sector: Buffer) => unknown]>([
    ['without the mark at its end', (sector) => sector.fill(0, 510)],
    ['with code where partitions would stand', (sector) => sector.fill(0x41, 446, 510)],
    ['without partitions', (sector) => sector.fill(0, 446, 510)],
    ['with a partition that begins on it', (sector) => sector.writeUInt32LE(0, 454)],
  ])('finds no table in a sector %s', (_, change) => {
    const sector = Buffer.from(encodeMbr(table));
    change(sector);
    expect(decodeMbr(sector)).toBeUndefined();
  });
});
