import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { ESP_TYPE_GUID, FIRST_USABLE_LBA, SECTOR_BYTES, encodeGpt, lastUsableLba, type GptPartition, type GptTable } from '../src/gpt.js';
import { guidBytes, isUuid, uuidBytes } from '../src/guid.js';

/** Type of a root filesystem of Linux on x86-64, by the Discoverable Partitions Specification. */
const ROOT_TYPE_GUID = '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709';
const directory = mkdtempSync(join(tmpdir(), 'ict-gpt-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const table: GptTable = {
  diskGuid: '6A7B8C9D-0E1F-8213-9425-364758697A8B',
  sectors: 131072,
  partitions: [
    {
      typeGuid: ESP_TYPE_GUID,
      partitionGuid: '11111111-2222-8333-8444-555555555555',
      firstLba: 2048,
      lastLba: 67583,
      attributes: 0n,
      name: 'boot',
    },
    {
      typeGuid: ROOT_TYPE_GUID,
      partitionGuid: '66666666-7777-8888-9999-aaaaaaaaaaaa',
      firstLba: 67584,
      lastLba: lastUsableLba(131072),
      attributes: (1n << 2n) | (1n << 60n),
      name: 'rôôt',
    },
  ],
};

function diskFile(name: string, gpt: GptTable): string {
  const file = join(directory, name);
  const { primary, backup, backupOffset } = encodeGpt(gpt);
  const disk = Buffer.alloc(gpt.sectors * SECTOR_BYTES);
  disk.set(primary, 0);
  disk.set(backup, backupOffset);
  writeFileSync(file, disk);
  return file;
}

describe('encodeGpt', () => {
  it('is read by sfdisk as it was written', async () => {
    const { stdout } = await execute('sfdisk', ['--json', diskFile('read.raw', table)]);
    const read = JSON.parse(stdout).partitiontable;
    expect(read).toMatchObject({ label: 'gpt', id: table.diskGuid, firstlba: 34, lastlba: 131038, sectorsize: 512 });
    expect(read.partitions).toMatchObject([
      { start: 2048, size: 65536, type: ESP_TYPE_GUID, uuid: '11111111-2222-8333-8444-555555555555', name: 'boot' },
      { start: 67584, size: 63455, uuid: '66666666-7777-8888-9999-AAAAAAAAAAAA', name: 'rôôt', attrs: 'LegacyBIOSBootable GUID:60' },
    ]);
  });

  it('leaves sfdisk --verify nothing to say', async () => {
    const { exitCode, stdout, stderr } = await execute('sfdisk', ['--verify', diskFile('verify.raw', table)]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('No errors detected');
  });

  it('is what sfdisk itself writes for the same table, byte for byte', async () => {
    const script = [
      'label: gpt',
      `label-id: ${table.diskGuid}`,
      'first-lba: 34',
      ...table.partitions.map(
        (partition, index) =>
          `start=${partition.firstLba}, size=${partition.lastLba - partition.firstLba + 1}, type=${partition.typeGuid}, uuid=${partition.partitionGuid}, name="${partition.name}"` +
          (index === 1 ? ', attrs="LegacyBIOSBootable GUID:60"' : ''),
      ),
    ].join('\n');
    const theirs = join(directory, 'theirs.raw');
    writeFileSync(theirs, Buffer.alloc(table.sectors * SECTOR_BYTES));
    const scriptFile = join(directory, 'script');
    writeFileSync(scriptFile, `${script}\n`);
    const made = await execute('sh', ['-c', 'sfdisk --quiet --no-reread --no-tell-kernel "$1" < "$2"', 'sh', theirs, scriptFile], {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
    });
    expect(made.exitCode).toBe(0);
    const compared = await execute('cmp', [theirs, diskFile('ours.raw', table)]);
    expect(compared).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it.each<[string, Partial<GptTable>]>([
    ['a disk without room', { sectors: 67, partitions: [] }],
    ['a fraction of a sector', { sectors: 1000.5 }],
    ['a partition over the tables', { partitions: [{ ...(table.partitions[0] as GptPartition), firstLba: FIRST_USABLE_LBA - 1 }] }],
    ['a partition over the backup', { partitions: [{ ...(table.partitions[0] as GptPartition), lastLba: lastUsableLba(131072) + 1 }] }],
    ['an empty partition', { partitions: [{ ...(table.partitions[0] as GptPartition), lastLba: 2047 }] }],
    ['overlapping partitions', { partitions: [table.partitions[0] as GptPartition, table.partitions[0] as GptPartition] }],
    ['a long name', { partitions: [{ ...(table.partitions[0] as GptPartition), name: 'x'.repeat(37) }] }],
    ['a type that is no GUID', { partitions: [{ ...(table.partitions[0] as GptPartition), typeGuid: '' }] }],
    [
      '129 partitions',
      {
        partitions: Array.from({ length: 129 }, (_, index) => ({
          ...(table.partitions[0] as GptPartition),
          firstLba: 2048 + index,
          lastLba: 2048 + index,
        })),
      },
    ],
  ])('refuses %s', (_, change) => {
    expect(() => encodeGpt({ ...table, ...change })).toThrow(RangeError);
  });

  it('has equal entries and valid checksums at both ends, for any table', () => {
    const anyTable = fc
      .record({
        sizes: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 128 }),
        gap: fc.nat({ max: 64 }),
        spare: fc.nat({ max: 10_000 }),
      })
      .chain(({ sizes, gap, spare }) => {
        let next = FIRST_USABLE_LBA;
        const spans = sizes.map((size) => {
          const firstLba = next + gap;
          next = firstLba + size;
          return { firstLba, lastLba: next - 1 };
        });
        return fc.record({
          sectors: fc.constant(next + 34 + spare),
          diskGuid: fc.uuid(),
          partitions: fc.tuple(
            ...spans.map((span) =>
              fc.record({
                firstLba: fc.constant(span.firstLba),
                lastLba: fc.constant(span.lastLba),
                typeGuid: fc.uuid(),
                partitionGuid: fc.uuid(),
                attributes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
                name: fc.string({ maxLength: 36 }),
              }),
            ),
          ),
        });
      });
    fc.assert(
      fc.property(anyTable, (gpt) => {
        const { primary, backup, backupOffset } = encodeGpt(gpt);
        const first = Buffer.from(primary.subarray(512, 1024));
        const second = Buffer.from(backup.subarray(backup.length - 512));
        const entries = primary.subarray(1024);
        expect(Buffer.compare(entries, backup.subarray(0, entries.length))).toBe(0);
        for (const header of [first, second]) {
          expect(header.readUInt32LE(88)).toBe(crc32(entries));
          const crc = header.readUInt32LE(16);
          header.writeUInt32LE(0, 16);
          expect(crc32(header.subarray(0, 92))).toBe(crc);
        }
        expect([Number(first.readBigUInt64LE(24)), Number(first.readBigUInt64LE(32))]).toEqual([1, gpt.sectors - 1]);
        expect([Number(second.readBigUInt64LE(24)), Number(second.readBigUInt64LE(72))]).toEqual([gpt.sectors - 1, backupOffset / 512]);
        expect(backupOffset + backup.length).toBe(gpt.sectors * 512);
      }),
      { numRuns: 50 },
    );
  });
});

describe('GUIDs', () => {
  it('have their first three fields reversed on disk', () => {
    expect(Buffer.from(guidBytes('C12A7328-F81F-11D2-BA4B-00A0C93EC93B')).toString('hex')).toBe('28732ac11ff8d211ba4b00a0c93ec93b');
    expect(Buffer.from(uuidBytes('C12A7328-F81F-11D2-BA4B-00A0C93EC93B')).toString('hex')).toBe('c12a7328f81f11d2ba4b00a0c93ec93b');
  });

  it('are refused when they are not', () => {
    expect(isUuid('C12A7328-F81F-11D2-BA4B-00A0C93EC93')).toBe(false);
    expect(() => guidBytes('x')).toThrow(RangeError);
  });
});
