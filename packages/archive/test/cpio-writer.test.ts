import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCpioHeader, encodeCpioTrailer, readCpio, type CpioHeader } from '../src/index.js';

const HEADER: CpioHeader = {
  name: 'usr/bin/program',
  mode: 0o100755,
  uid: 0,
  gid: 0,
  links: 1,
  mtimeSeconds: 1_700_000_000,
  inode: 1,
  rdevMajor: 0,
  rdevMinor: 0,
  sizeBytes: 0,
};

async function* bytes(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('encodeCpioHeader', () => {
  it('is read as it was written', async () => {
    const u32 = fc.nat({ max: 0xffff_ffff });
    const name = fc
      .array(fc.constantFrom('a', 'ü', ' ', '\n', '.', 'x'.repeat(120)), { minLength: 1, maxLength: 8 })
      .map((parts) => parts.join(''));
    const header = fc.record({
      ...{ name, mode: u32, uid: u32, gid: u32, links: u32, mtimeSeconds: u32, inode: u32, rdevMajor: u32, rdevMinor: u32 },
      sizeBytes: fc.constant(0),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(header, { maxLength: 4 }), async (headers) => {
        const read: object[] = [];
        const archive = bytes(...headers.map(encodeCpioHeader), encodeCpioTrailer());
        for await (const entry of readCpio(archive)) {
          const { name, mode, uid, gid, links, mtimeSeconds, inode, rdevMajor, rdevMinor, sizeBytes } = entry;
          read.push({ name, mode, uid, gid, links, mtimeSeconds, inode, rdevMajor, rdevMinor, sizeBytes });
        }
        expect(read).toEqual(headers);
      }),
    );
  });

  it('is listed by GNU cpio, a line break in a name included', () => {
    const input = Buffer.concat([encodeCpioHeader({ ...HEADER, name: 'two\nlines' }), encodeCpioTrailer()]);
    expect(execFileSync('cpio', ['--list', '--quiet'], { input }).toString()).toBe('two\nlines\n');
  });

  it('writes times before 1970 as 1970', async () => {
    for await (const { mtimeSeconds } of readCpio(bytes(encodeCpioHeader({ ...HEADER, mtimeSeconds: -5 }), encodeCpioTrailer()))) {
      expect(mtimeSeconds).toBe(0);
    }
  });

  it.each<[string, Partial<CpioHeader>]>([
    ['no name', { name: '' }],
    ['an absolute name', { name: '/etc' }],
    ['the name that ends archives', { name: 'TRAILER!!!' }],
    ['a name that Linux passes over', { name: 'x'.repeat(4096) }],
    ['a NUL in the name', { name: 'a\0b' }],
    ['half a character', { name: '\ud800' }],
    ['4 GiB', { sizeBytes: 2 ** 32 }],
    ['a number that is none', { uid: NaN }],
  ])('refuses %s', (_, changes) => {
    expect(() => encodeCpioHeader({ ...HEADER, ...changes })).toThrow(expect.objectContaining({ code: 'ICT_ARCHIVE_ENTRY' }));
  });
});
