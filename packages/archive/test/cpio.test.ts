import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCpio, type CpioEntry } from '../src/index.js';
import { collect, gather, hostileBytes, inPieces, temporaryDirectory } from './workspace.js';

const field = (value: number): string => value.toString(16).padStart(8, '0');
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

function member(name: string, content = '', magic = '070701'): Buffer {
  const numbers = [1, 0o100644, 0, 0, 1, 7, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  return Buffer.concat([padded(Buffer.from(`${magic}${numbers.map(field).join('')}${name}\0`)), padded(Buffer.from(content))]);
}

const stripped = (index: number, content: string): Buffer =>
  Buffer.concat([padded(Buffer.from(`07070X${field(index)}`)), padded(Buffer.from(content))]);
const TRAILER = member('TRAILER!!!');

async function contents(bytes: Buffer, piece = 7, sizes: readonly number[] = []): Promise<[CpioEntry['name'] | number, string][]> {
  const found: [CpioEntry['name'] | number, string][] = [];
  for await (const entry of readCpio(inPieces(bytes, piece), { strippedSize: (index) => sizes[index] })) {
    found.push([entry.name ?? entry.index, (await collect(entry.content)).toString()]);
  }
  return found;
}

describe('archives of cpio', () => {
  it('are read as cpio lists them', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'directory'));
    writeFileSync(join(root, 'directory/file'), 'content\n', { mode: 0o640 });
    writeFileSync(join(root, 'empty'), '');
    symlinkSync('directory/file', join(root, 'link'));
    const names = ['.', './directory', './directory/file', './empty', './link'];
    const archive = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: root, input: names.join('\n') });
    const listed = execFileSync('cpio', ['-t', '--quiet'], { input: archive }).toString().trim().split('\n');
    const entries = await gather(readCpio(inPieces(archive, 100)));
    // cpio leaves out "./" when it lists and writes.
    expect(entries.map(({ name }) => name)).toEqual(listed);
    expect(entries.map(({ mode }) => mode & 0o170000)).toEqual([0o040000, 0o040000, 0o100000, 0o100000, 0o120000]);
    expect(entries[2]).toMatchObject({ mode: 0o100640, sizeBytes: 8, links: 1, uid: process.getuid!() });
    expect((await contents(archive)).map(([, text]) => text)).toEqual(['', '', 'content\n', '', 'directory/file']);
  });
});

describe('a name', () => {
  it.each([
    ['UTF-8', 'c3b6', '\xf6'],
    ['Latin-1 where it is no UTF-8', 'f6', '\xf6'],
  ])('is read as %s', async (_as, hex, name) => {
    const bytes = Buffer.from(
      member('?'.repeat(hex.length / 2))
        .toString('latin1')
        .replace(/\?+/, Buffer.from(hex, 'hex').toString('latin1')),
      'latin1',
    );
    expect(await contents(Buffer.concat([bytes, TRAILER]))).toEqual([[name, '']]);
  });
});

describe('the stripped form of rpm', () => {
  it('takes sizes from the package', async () => {
    const archive = Buffer.concat([stripped(1, 'abcde'), stripped(0, ''), TRAILER]);
    for (const piece of [1, 3, 1000]) expect(await contents(archive, piece, [0, 5])).toEqual([[1, 'abcde'], [0, '']]); // prettier-ignore
  });

  it('is refused for a file that the package does not have', async () => {
    await expect(contents(Buffer.concat([stripped(2, ''), TRAILER]), 7, [0, 5])).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CPIO' });
    await expect(gather(readCpio(inPieces(stripped(0, ''), 7)))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CPIO' });
  });
});

describe('a damaged archive', () => {
  const sound = Buffer.concat([member('a', 'text'), member('b'), TRAILER]);
  it.each([
    ['another magic number', member('a', '', '070707'), 'ICT_ARCHIVE_CPIO'],
    ['a field that is no number', Buffer.from(sound.toString('latin1').replace('00000007', '0000000g'), 'latin1'), 'ICT_ARCHIVE_CPIO'],
    ['a name of 5000 bytes', member('n'.repeat(5000)), 'ICT_ARCHIVE_CPIO'],
    ['a NUL inside a name', member('a\0b'), 'ICT_ARCHIVE_CPIO'],
    ['no trailer', sound.subarray(0, -TRAILER.length), 'ICT_ARCHIVE_TRUNCATED'],
    ['half a content', sound.subarray(0, 113), 'ICT_ARCHIVE_TRUNCATED'],
    ['nothing at all', Buffer.alloc(0), 'ICT_ARCHIVE_TRUNCATED'],
  ])('is refused: %s', async (_what, bytes, code) => {
    await expect(contents(bytes)).rejects.toMatchObject({ code });
  });

  it('never makes the reader throw anything without a code', async () => {
    await fc.assert(
      fc.asyncProperty(hostileBytes(sound), async (bytes) => {
        const outcome = await contents(bytes).then(
          () => 'read',
          (error: { readonly code?: string }) => error.code,
        );
        expect(['read', 'ICT_ARCHIVE_CPIO', 'ICT_ARCHIVE_TRUNCATED']).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });

  it('does not let a content be read twice, or after the next entry', async () => {
    const iterator = readCpio(inPieces(sound, 50));
    const first = (await iterator.next()).value as CpioEntry;
    await collect(first.content);
    await expect(collect(first.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
    await iterator.return();
  });
});
