import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILD_EPOCH } from '@ict/fixtures';
import { ISO_BLOCK_BYTES, encodeIso9660, type IsoVolume } from '../src/iso-9660.js';
import { layOutIso, type IsoContent } from '../src/iso-layout.js';
import { extractIso } from './support/extract-iso.js';

const MIB = 1024 * 1024;
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-iso-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('layOutIso', () => {
  const file = (target: string, sizeBytes: number): IsoContent => ({ target, sizeBytes, from: { initrd: true } });

  it('has room for files of any size, each from a block of ISO 9660 on', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 20 * MIB }), fc.integer({ min: 200 * MIB, max: 600 * MIB }), fc.constant(2 ** 32 - 1));
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 40 * MIB }), fc.integer({ min: 1, max: MIB }), (initrd, kernel, loader) => {
        const files = [file('/live/initrd.img', initrd), file('/live/vmlinuz', kernel), file('/EFI/BOOT/BOOTX64.EFI', loader)];
        const { espOffset, espBytes, offsets, sizeBytes } = layOutIso(files);
        for (const [{ sizeBytes: length }, offset] of offsets) {
          expect(offset % ISO_BLOCK_BYTES).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(espOffset);
          expect(offset + length).toBeLessThanOrEqual(espOffset + espBytes);
        }
        expect(new Set(offsets.keys())).toEqual(new Set(files.filter(({ sizeBytes: length }) => length > 0)));
        expect(sizeBytes % ISO_BLOCK_BYTES).toBe(0);
      }),
    );
  });
});

describe('encodeIso9660', () => {
  const FIRST_BLOCK = 512;
  const volume = (files: readonly { readonly path: string; readonly text: string }[]): IsoVolume => ({
    label: 'LABEL',
    blocks: FIRST_BLOCK + files.length + 1,
    files: files.map(({ path, text }, index) => ({ path, firstBlock: FIRST_BLOCK + index, sizeBytes: text.length })),
    efiBlock: FIRST_BLOCK,
    epochSeconds: BUILD_EPOCH,
  });

  function encoded(asked: IsoVolume): Buffer {
    const bytes = Buffer.alloc(asked.blocks * ISO_BLOCK_BYTES);
    for (const { offsetBytes, bytes: part } of encodeIso9660(asked)) bytes.set(part, offsetBytes);
    return bytes;
  }

  function written(files: readonly { readonly path: string; readonly text: string }[]): string {
    const bytes = encoded(volume(files));
    files.forEach(({ text }, index) => bytes.write(text, (FIRST_BLOCK + index) * ISO_BLOCK_BYTES, 'latin1'));
    mkdirSync(base, { recursive: true });
    const image = join(base, 'volume.iso');
    writeFileSync(image, bytes);
    return image;
  }

  const directoryName = fc.stringMatching(/^[a-z0-9_]{1,31}$/u);
  const fileName = fc.stringMatching(/^[A-Z0-9_]{1,20}(\.[a-z0-9_]{1,10})?$/u);

  it('gives xorriso back every file of a tree', async () => {
    const path = fc.tuple(fc.array(fc.oneof(fc.constantFrom('a', 'b'), directoryName), { maxLength: 4 }), fileName);
    const paths = fc
      .array(
        path.map(([directories, name]) => [...directories, name].map((part) => `/${part}`).join('')),
        { maxLength: 60 },
      )
      .map((all) => {
        const taken = new Set<string>();
        return all.filter((one) => {
          const key = one.toUpperCase();
          const inTheWay = [...taken].some((other) => other === key || other.startsWith(`${key}/`) || key.startsWith(`${other}/`));
          if (!inTheWay) taken.add(key);
          return !inTheWay;
        });
      });
    await fc.assert(
      fc.asyncProperty(paths, async (all) => {
        const files = all.map((one, index) => ({ path: one, text: `content ${index}` }));
        const found = await extractIso(written(files));
        const expected = new Map(files.map(({ path: one, text }) => [one.toUpperCase(), text]));
        expect(new Map([...found].map(([one, bytes]) => [one, bytes.toString()]))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('has directories of more than a block, in the order that ECMA-119 wants', async () => {
    const files = Array.from({ length: 200 }, (_, index) => ({ path: `/d/name${index}.x`, text: `${index}` }));
    const image = written([...files, { path: '/d/name1', text: 'without' }, { path: '/d/name1.x0', text: 'longer' }]);
    expect((await extractIso(image)).size).toBe(202);
    const listed = readFileSync(image).toString('latin1', 22 * ISO_BLOCK_BYTES, FIRST_BLOCK * ISO_BLOCK_BYTES);
    const names = [...listed.matchAll(/NAME\d+\.X?0?;1/gu)].map(([name]) => name.replace(';1', ''));
    expect(names).toEqual([...names].sort());
    expect(names.slice(1, 5)).toEqual(['NAME1.', 'NAME1.X', 'NAME1.X0', 'NAME10.X']);
  });

  // Neither Linux nor xorriso looks at path tables, or at the numbers that have their highest byte first.
  it('says each number in both orders, and of directories the same in path tables and in records', () => {
    const asked = volume(['/b/deep/er/one.x', '/b/two', '/a_longer/deep/three', '/four'].map((path) => ({ path, text: path })));
    const bytes = encoded(asked);
    const both = (at: number, length: 2 | 4): number => {
      const value = bytes.readUIntLE(at, length);
      expect(bytes.readUIntBE(at + length, length)).toBe(value);
      return value;
    };
    const primary = 16 * ISO_BLOCK_BYTES;
    expect([both(primary + 80, 4), both(primary + 120, 2), both(primary + 124, 2), both(primary + 128, 2)]).toEqual([
      asked.blocks,
      1,
      1,
      ISO_BLOCK_BYTES,
    ]);
    const recordsAt = (block: number) => {
      const records: { name: string; block: number; isDirectory: boolean }[] = [];
      for (let at = block * ISO_BLOCK_BYTES; bytes.readUInt8(at) !== 0; at += bytes.readUInt8(at)) {
        const name = bytes.toString('latin1', at + 33, at + 33 + bytes.readUInt8(at + 32));
        const isDirectory = bytes.readUInt8(at + 25) === 2;
        expect([both(at + 10, 4) % ISO_BLOCK_BYTES === 0, both(at + 28, 2)]).toEqual([isDirectory, 1]);
        records.push({ name, block: both(at + 2, 4), isDirectory });
      }
      return records;
    };
    const directories = [{ name: '\0', block: both(primary + 158, 4), parent: 1 }];
    // What is added is visited in its turn.
    for (const [index, { block, parent }] of directories.entries()) {
      const [own, above, ...inside] = recordsAt(block);
      expect([own?.block, above?.block]).toEqual([block, directories[parent - 1]?.block]);
      for (const one of inside) if (one.isDirectory) directories.push({ name: one.name, block: one.block, parent: index + 1 });
    }
    expect(directories.map(({ name, parent }) => `${parent} ${name}`)).toEqual(['1 \0', '1 A_LONGER', '1 B', '2 DEEP', '3 DEEP', '5 ER']);
    const sizeBytes = both(primary + 132, 4);
    const tableAt = (block: number, order: 'LE' | 'BE') => {
      const found: typeof directories = [];
      for (let at = block * ISO_BLOCK_BYTES; at < block * ISO_BLOCK_BYTES + sizeBytes; ) {
        const length = bytes.readUInt8(at);
        const name = bytes.toString('latin1', at + 8, at + 8 + length);
        found.push({ name, block: bytes[`readUInt32${order}`](at + 2), parent: bytes[`readUInt16${order}`](at + 6) });
        at += 8 + length + (length % 2);
      }
      return found;
    };
    expect(tableAt(bytes.readUInt32LE(primary + 140), 'LE')).toEqual(directories);
    expect(tableAt(bytes.readUInt32BE(primary + 148), 'BE')).toEqual(directories);
  });

  it.each<[string, Partial<IsoVolume>]>([
    ['a name with another character', { files: [{ path: '/a b', firstBlock: 0, sizeBytes: 0 }] }],
    ['a name with two dots', { files: [{ path: '/a.b.c', firstBlock: 0, sizeBytes: 0 }] }],
    ['a name of 31 characters', { files: [{ path: `/${'a'.repeat(31)}`, firstBlock: 0, sizeBytes: 0 }] }],
    ['a directory with a dot', { files: [{ path: '/a.b/c', firstBlock: 0, sizeBytes: 0 }] }],
    ['two names that differ in case', { files: ['/a', '/A'].map((path) => ({ path, firstBlock: 0, sizeBytes: 0 })) }],
    ['a label of small letters', { label: 'label' }],
    ['a label of 33 characters', { label: 'L'.repeat(33) }],
    ['no room before the partition', { efiBlock: 22 }],
  ])('refuses %s', (_, changes) => {
    expect(() => encodeIso9660({ ...volume([]), ...changes })).toThrow(RangeError);
  });

  it('tells the nearest time that it can', () => {
    const primary = (epochSeconds: number): Buffer => {
      const [{ bytes } = { bytes: new Uint8Array() }] = encodeIso9660({ ...volume([]), epochSeconds });
      return Buffer.from(bytes);
    };
    const record = (epochSeconds: number): Buffer => primary(epochSeconds).subarray(156 + 18, 156 + 24);
    expect([...record(Date.UTC(2024, 1, 29, 13, 5, 8) / 1000)]).toEqual([124, 2, 29, 13, 5, 8]);
    expect([...record(Date.UTC(2200, 0, 1) / 1000)]).toEqual([255, 12, 31, 23, 59, 59]);
    const made = (epochSeconds: number): string => primary(epochSeconds).toString('latin1', 813, 813 + 17);
    expect(made(Date.UTC(2200, 0, 1) / 1000)).toBe('2200010100000000\0');
    expect(made(Date.UTC(12_345, 0, 1) / 1000)).toBe('9999123123595900\0');
  });
});
