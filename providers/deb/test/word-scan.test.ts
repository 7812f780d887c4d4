import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDirectory } from '../src/metadata/index-directory.js';
import { TextInFiles, TextInMemory } from '../src/metadata/index-text.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';

const stanza = (name: string, description: string) =>
  `Package: ${name}\nVersion: 1\nArchitecture: all\nFilename: pool/${name}\nSize: 1\nSHA256: ${'a'.repeat(64)}\nDescription: ${description}\n\n`;

/** Numbers of stanzas that have a word, by reading each of them. */
const slowly = (stanzas: readonly string[], word: string): readonly number[] =>
  stanzas.flatMap((text, at) => (text.toLowerCase().includes(word.toLowerCase()) ? [at] : []));

describe('packages that have a word', () => {
  it.each([
    // The capital I with a dot becomes an i and a dot: whether one is looked for is not told by it.
    ['Editor', [0, 1, 4]],
    ['web server', [2]],
    ['9kelvin', [3, 4]],
    ['istanbul', [4]],
    ['tool', [0, 5]],
    ['absent', []],
  ])('are found, whatever its case: %s', (word, found) => {
    const index = PackagesIndex.parse(
      Buffer.from(
        [
          stanza('editor-tool', 'writes'),
          stanza('two', 'an EDITOR\n of two lines'),
          stanza('three', 'first\n a Web Server'),
          stanza('four', 'up to 9\u212aelvin'),
          stanza('five', '\u0130stanbul, \u0130stanbul'),
          stanza('six', 'TOOL tool Tool\n tool'),
        ].join(''),
      ),
    );
    expect(index.mentioning([word])).toEqual(found);
  });

  it('may be any for words that are not of ASCII, or that no line has', () => {
    const index = PackagesIndex.parse(Buffer.from(stanza('one', 'größer')));
    expect([['größer'], ['a\nb'], [''], []].map((words) => index.mentioning(words))).toEqual([undefined, undefined, undefined, undefined]);
    expect(index.mentioning(['größer', 'ONE'])).toEqual([0]);
  });

  it('are none that were left out', () => {
    const index = PackagesIndex.parse(Buffer.from(`Package: word\nnothing else\n\n${stanza('word', 'word')}Package: word\nVersion: 1\n\n`));
    expect([index.count, index.mentioning(['word'])]).toEqual([1, [0]]);
  });

  it('are those that reading each of them finds', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abkKiI \u212a\u0130éÀ\u00e4\u4c30'), maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 6 }),
        fc.string({ unit: fc.constantFrom(...'abkKiI'), minLength: 1, maxLength: 3 }),
        (texts, word) => {
          const stanzas = texts.map((each, at) => stanza(`p${at}`, `x${each}`));
          const bytes = Buffer.from(stanzas.join(''));
          const found = new PackagesIndex(readDirectory(new TextInMemory(bytes), []), new TextInMemory(bytes)).mentioning([word])!;
          expect(slowly(stanzas, word).filter((row) => !found.includes(row))).toEqual([]);
          expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
        },
      ),
    );
  });

  describe('of an index that is read in pieces', () => {
    const stanzas = Array.from({ length: 9000 }, (_, at) =>
      stanza(
        `package-${at}`,
        `${'.'.repeat(at % 97)}${at % 7 === 0 ? 'Seldom' : 'often'}${at === 4500 ? `\n ${'long '.repeat(200_000)}needle` : ''}`,
      ),
    );
    let directory: string;
    let index: PackagesIndex;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'ict-words-'));
      const bytes = Buffer.from(stanzas.join(''));
      const half = Buffer.byteLength(stanzas.slice(0, 4000).join(''));
      const files = [bytes.subarray(0, half), bytes.subarray(half)];
      const paths = files.map((_, at) => join(directory, `${at}`));
      for (const [at, file] of files.entries()) await writeFile(paths[at]!, file);
      const text = new TextInFiles(files.map((file, at) => ({ path: paths[at]!, sizeBytes: file.length })));
      index = new PackagesIndex(readDirectory(text, []), text);
    });
    afterAll(async () => {
      index.close();
      await rm(directory, { recursive: true });
    });

    it.each(['seldom', 'package-8999', 'needle', 'long', 'Package: package-4', 'a'])('are all that have %s', (word) => {
      const found = slowly(stanzas, word);
      expect(found.length).toBeGreaterThan(0);
      expect(index.mentioning([word])).toEqual(found);
    });
  });
});
