import { mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readDirectory } from '../src/metadata/index-directory.js';
import { TextInFiles, TextInMemory } from '../src/metadata/index-text.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { INDEXED_FIELDS } from '../src/metadata/stanza-scan.js';

const SHA256 = 'ab'.repeat(32);
/** Larger than what is read at a time. */
const LONG = 1_300_000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-text-'));
});
afterAll(() => rm(directory, { recursive: true }));

const stanza = (name: string, more = ''): string =>
  `Package: ${name}\nVersion: 1\nArchitecture: amd64\nFilename: pool/${name}.deb\nSize: 10\nSHA256: ${SHA256}\n${more}`;

async function inFiles(texts: readonly string[]): Promise<TextInFiles> {
  const files = texts.map((text, i) => ({ path: join(directory, `Packages-${i}`), sizeBytes: Buffer.byteLength(text) }));
  for (const [i, { path }] of files.entries()) await writeFile(path, texts[i]!);
  return new TextInFiles(files);
}

/** All that an index tells of its packages. */
function told(index: PackagesIndex): unknown {
  return Array.from({ length: index.count }, (_, i) => [
    index.name(i),
    index.version(i),
    ...INDEXED_FIELDS.map((field) => index.field(i, field)),
    [...index.byName(index.name(i))],
  ]);
}

describe('TextInFiles', () => {
  it('gives an index what the same text in memory gives it, wherever windows end and in whatever order packages are asked for', async () => {
    const bookworm = await readFile(new URL('fixtures/bookworm-packages', import.meta.url), 'utf8');
    const texts = [
      `${stanza('long', `Description: ${'x'.repeat(LONG)}\n`)}\n${bookworm.trimEnd()}`,
      `\n\n${stanza('crlf').replaceAll('\n', '\r\n')} \t\n${stanza('more', 'Provides: a, b (= 1)\n')}`,
      'Package: broken',
      '',
      Array.from({ length: 9000 }, (_, i) => `${stanza(`p${i}`)}\n`).join(''),
    ];
    const files = texts.map((text, i) => ({ path: `file-${i}`, text }));
    const segments = (gap: number) =>
      files.map(({ path }, i) => ({
        path,
        offset: texts.slice(0, i).reduce((sum, text) => sum + Buffer.byteLength(text) + gap, 0),
      }));
    const text = await inFiles(texts);
    const index = new PackagesIndex(readDirectory(text, segments(0)), text);
    const memory = PackagesIndex.parse(Buffer.from(texts.join('\n\n')), segments(2));
    expect(index.count).toBeGreaterThan(9000);
    expect(index.diagnostics).toEqual(memory.diagnostics);
    expect(index.diagnostics).toEqual([expect.objectContaining({ path: 'file-2', line: 1 })]);
    for (const i of [index.count - 1, 7, 8, 0, 3000]) expect(index.field(i, 'filename')).toBe(memory.field(i, 'filename'));
    expect(told(index)).toEqual(told(memory));
    text.close();
  });

  it('finds stanzas as one that looks at each byte, whatever the bytes', async () => {
    const line = fc.oneof(
      fc.constantFrom('', ' ', '\t', '\r', ' x', 'Package: b', 'nonsense', ':', 'Provides: c'),
      fc.string({ maxLength: 9 }),
    );
    const part = fc.oneof(
      fc.constantFrom(`${stanza('a')}\n`, stanza('b'), `\n${stanza('c', 'Depends: d\n e\n')}\n`),
      line.map((text) => `${text}\n`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
        const bytes = Buffer.from(parts.join(''));
        // One byte further four bytes are no word, and each is looked at alone.
        const shifted = Buffer.alloc(bytes.length + 1).subarray(1);
        shifted.set(bytes);
        const text = await inFiles([bytes.toString('utf8')]);
        const [file, slow] = [new PackagesIndex(readDirectory(text, []), text), PackagesIndex.parse(shifted)];
        expect(told(file)).toEqual(told(slow));
        expect(file.diagnostics).toEqual(slow.diagnostics);
        text.close();
      }),
      { numRuns: 50 },
    );
  });

  it('reads again what was released', async () => {
    const text = await inFiles([`${stanza('a', 'Depends: b\n')}\n${stanza('b', 'Depends: c, a\n')}`]);
    const index = new PackagesIndex(readDirectory(text, []), text);
    const before = [0, 1].map((i) => index.relations(i, 'Depends'));
    index.release();
    expect([1, 0].map((i) => index.relations(i, 'Depends'))).toEqual(before.reverse());
    expect([index.version(1), index.field(0, 'filename'), index.name(1)]).toEqual(['1', 'pool/a.deb', 'b']);
    text.close();
  });

  it.each(['Description: short', 'Description:', 'Description: short\n'])('ends a stanza at the end of its file, after %j', async (end) => {
    const blanks = stanza('long', `Description: ${' x'.repeat(900)}\n`);
    for (const more of ['', 'x']) {
      const text = await inFiles([`${blanks}\n${stanza('last', `Homepage: ${more}\n${end}`)}`]);
      const index = new PackagesIndex(readDirectory(text, []), text);
      index.field(0, 'description');
      index.release();
      expect(index.field(1, 'description')).toBe(end.slice('Description:'.length).trim());
      text.close();
    }
  });

  it('says so when a file has become shorter', async () => {
    const text = await inFiles([`${stanza('a')}\n${stanza('b')}`]);
    const index = new PackagesIndex(readDirectory(text, []), text);
    await truncate(join(directory, 'Packages-0'), 20);
    expect(() => index.field(1, 'size')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_INDEX_MISMATCH', message: expect.stringContaining('Packages-0 ends after') as string }),
    );
    text.close();
  });

  it.each([
    ['another package', (text: string) => text.replaceAll('b', 'c')],
    ['no digest', (text: string) => text.replaceAll('SHA256', 'SHA257')],
    ['no stanza', (text: string) => text.replaceAll(/[^\n]/g, 'x')],
  ])('says so when a file has changed, and has %s where a package was found', async (_, change) => {
    const content = `${stanza('a')}\n${stanza('b')}`;
    const text = await inFiles([content]);
    const index = new PackagesIndex(readDirectory(text, []), text);
    await writeFile(join(directory, 'Packages-0'), change(content));
    for (const ask of [() => index.field(1, 'size'), () => index.record(1, 'r'), () => index.relations(1, 'Depends')]) {
      expect(ask).toThrow(
        expect.objectContaining({ code: 'ICT_DEB_INDEX_MISMATCH', facts: { package: 'b', offset: stanza('a').length + 1 } }),
      );
    }
    text.close();
  });

  it('reads nothing after it was closed, and of no file that came after it', async () => {
    const text = await inFiles([`${stanza('a')}\n${stanza('b')}`]);
    const index = new PackagesIndex(readDirectory(text, []), text);
    index.close();
    const other = await inFiles([`${stanza('c')}\n${stanza('d')}`]);
    // A descriptor of the same number is no longer its own.
    index.close();
    expect(index.name(0)).toBe('a');
    expect(() => index.field(0, 'size')).toThrow('was closed');
    expect(() => index.field(1, 'size')).toThrow('was closed');
    expect(new PackagesIndex(readDirectory(other, []), other).field(1, 'package')).toBe('d');
    other.close();
  });

  it('leaves no file open when another cannot be opened', async () => {
    const open = async (): Promise<number> => {
      const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return links.filter((path) => path.startsWith(directory)).length;
    };
    const text = await inFiles([stanza('a')]);
    text.close();
    const before = await open();
    const missing = { path: join(directory, 'missing'), sizeBytes: 1 };
    expect(() => new TextInFiles([{ path: join(directory, 'Packages-0'), sizeBytes: 1 }, missing])).toThrow('ENOENT');
    expect(await open()).toBe(before);
  });

  it('is asked once for a package that comes often', async () => {
    const text = await inFiles([Array.from({ length: 300 }, () => stanza('a')).join('\n')]);
    const peek = vi.spyOn(text, 'peek');
    expect(readDirectory(text, []).diagnostics).toHaveLength(299);
    expect(peek).toHaveBeenCalledTimes(1);
    text.close();
  });

  it('is refused where offsets would not fit their columns', () => {
    const text = new TextInMemory(Buffer.from(stanza('a')));
    const long = Object.assign(Object.create(text) as TextInMemory, { sizeBytes: 2 ** 32 });
    expect(() => readDirectory(long, [{ path: 'main', offset: 0 }])).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_INDEX_INVALID', facts: { paths: ['main'], sizeBytes: 2 ** 32 } }),
    );
  });

  it('is as text in memory for one that looks at it twice', () => {
    const text = new TextInMemory(Buffer.from(`${stanza('a')}\n${stanza('a')}`));
    expect(readDirectory(text, []).diagnostics).toHaveLength(1);
  });
});
