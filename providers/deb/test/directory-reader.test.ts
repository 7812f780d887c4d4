import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TextLookup } from '@ict/package-index';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DirectoryReader } from '../src/metadata/directory-reader.js';
import { FLAG, MULTI_ARCH, PRIORITIES, readDirectory } from '../src/metadata/index-directory.js';
import type { IndexDirectory } from '../src/metadata/index-directory.js';
import { TextInFiles, TextInMemory, WINDOW_BYTES } from '../src/metadata/index-text.js';
import { columnOf, missingField, StanzaScanner, valueText } from '../src/metadata/stanza-scan.js';
import type { IndexedField } from '../src/metadata/stanza-scan.js';

const SHA256 = 'ab'.repeat(32);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-directory-'));
});
afterAll(() => rm(directory, { recursive: true }));

const stanza = (name: string, more = '', version = '1'): string =>
  `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nFilename: pool/${name}.deb\nSize: 10\nSHA256: ${SHA256}\n${more}`;

interface Told {
  readonly offset: number;
  readonly stop: number;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly flags: number;
  readonly provides: readonly string[];
}

/** What a directory tells of each package, found by its columns. */
function told(found: IndexDirectory): readonly Told[] {
  const [names, provides] = [new TextLookup(found.words, found.names), new TextLookup(found.words, found.provides)];
  const versions = Buffer.from(found.versionTexts);
  const provided = new Map<number, string[]>();
  for (const text of provides.texts()) for (const row of provides.find(text)) provided.set(row, [...(provided.get(row) ?? []), text]);
  return Array.from(found.starts, (offset, row) => {
    const name = names.textOf(found.keys[row]);
    expect(names.find(name)).toContain(row);
    // A version may have lines of its own, each of which goes on with white space.
    const version = /^[^\n]*(?:\n[ \t][^\n]*)*/.exec(versions.toString('utf8', found.versions[row]))![0];
    const arch = found.architectures[found.archs[row]]!;
    return { offset, stop: found.stops[row], name, version, arch, flags: found.flags[row], provides: (provided.get(row) ?? []).sort() };
  });
}

/** The same by `StanzaScanner`, one stanza at a time, with strings. */
function toldByStanzas(bytes: Buffer): readonly Told[] {
  const scanner = new StanzaScanner(bytes);
  const seen = new Set<string>();
  const all: Told[] = [];
  for (let at = scanner.next(0, bytes.length, true); at >= 0; at = scanner.next(at, bytes.length, true)) {
    const { fields, start, stop, fault } = scanner;
    const own = bytes.subarray(start, stop);
    const value = (field: IndexedField): string | undefined => {
      const from = fields[columnOf(field)];
      return from === 0 ? undefined : valueText(own, from - start);
    };
    if (fault !== undefined || missingField(fields) !== undefined) continue;
    const [name, version, arch] = [value('package')!, value('version')!, value('architecture')!];
    if (!/^[A-Za-z0-9][A-Za-z0-9+._-]*$/.test(name) || !/^[a-z0-9][a-z0-9-]*$/.test(arch)) continue;
    const identity = JSON.stringify([name, version, arch]);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const place = (field: IndexedField, words: readonly string[], absent: number, other: number): number => {
      const text = value(field)?.toLowerCase();
      if (text === undefined) return absent;
      return words.includes(text) ? words.indexOf(text) : other;
    };
    const flags =
      FLAG.essential * place('essential', ['no', 'yes'], 0, 0) +
      FLAG.protected * place('protected', ['no', 'yes'], 0, 0) +
      FLAG.multiArch * place('multi-arch', MULTI_ARCH, 0, 0) +
      FLAG.priority * place('priority', PRIORITIES, PRIORITIES.indexOf('optional'), PRIORITIES.length);
    const entries = (value('provides') ?? '').split(',').map((entry) => /[A-Za-z0-9+._-]+/.exec(entry)?.[0]);
    const provides = [...new Set(entries.filter((entry) => entry !== undefined))].sort();
    all.push({ offset: start, stop, name, version, arch, flags, provides });
  }
  return all;
}

const inMemory = (text: string): IndexDirectory => readDirectory(new TextInMemory(Buffer.from(text)), []);

describe('readDirectory', () => {
  it('finds what reading one stanza after the other finds, whatever the text', () => {
    const cased = (word: string) => fc.constantFrom(word, word.toUpperCase(), word.toLowerCase());
    const word = fc.oneof(
      ...[...MULTI_ARCH, ...PRIORITIES, 'yes', 'importance', 'sam', '', '\n yes'].map(cased),
      fc.string({ maxLength: 10, unit: 'grapheme-ascii' }),
    );
    const key = fc.oneof(
      ...['Package', 'Version', 'Architecture', 'Filename', 'SHA256', 'Size', 'Provides'].map(cased),
      ...['Priority', 'Essential', 'Protected', 'Multi-Arch', 'Multi\rArch', 'Description', 'Phased-Update-Percentage'].map(cased),
      fc.string({ maxLength: 20, unit: 'grapheme-ascii' }),
    );
    const field = fc
      .tuple(key, fc.constantFrom(': ', ':', ':\t', ' : '), word, fc.constantFrom('\n', '\r\n', ' \n'))
      .map((parts) => parts.join(''));
    const provides = fc
      .array(fc.constantFrom('a', 'b-c', 'd (= 1)', '(', ' ', 'e+', '\n f'), { maxLength: 5 })
      .map((parts) => `Provides: ${parts.join(',')}\n`);
    const odd = fc.constantFrom('', ' ', '\t\n', '\r\n', '\n', ' x\n', 'nonsense\n', ':\n', '\rx\n', '\n \n y\n', '\0\n', 'no newline');
    const package_ = fc
      .tuple(
        fc.constantFrom('a', 'b', 'lib+c', 'é', '-d', ''),
        fc.constantFrom('1', '2', '1\n 2', ''),
        fc.array(fc.oneof(field, provides, odd), { maxLength: 4 }),
      )
      .map(([name, version, more]) => stanza(name, more.join(''), version));
    const text = fc
      .array(
        fc.oneof(
          package_,
          package_.map((each) => `${each}\n`),
          field,
          odd,
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (content) => {
        expect(told(inMemory(content))).toEqual(toldByStanzas(Buffer.from(content)));
      }),
      { numRuns: 500 },
    );
  });

  it('finds the same wherever the first window ends', () => {
    const tail = `${stanza('b', 'Provides: c,\n d\nMulti-Arch: same\n').replaceAll('\n', '\r\n')} \n\t\n${stanza('e', 'Essential: yes', '2')}`;
    const before = `${stanza('a')}Description: `;
    for (let cut = 0; cut <= tail.length; cut++) {
      const text = `${before}${'x'.repeat(WINDOW_BYTES - before.length - 2 - cut)}\n\n${tail}`;
      const [a, ...others] = told(inMemory(text));
      expect(a?.stop).toBe(WINDOW_BYTES - cut - 1);
      expect(others.map(({ name, version, flags, provides }) => [name, version, flags, provides])).toEqual([
        ['b', '1', FLAG.multiArch + 3 * FLAG.priority, ['c', 'd']],
        ['e', '2', FLAG.essential + 3 * FLAG.priority, []],
      ]);
    }
  });

  it('makes room for stanzas that are longer than a window, and for more packages and names than there mostly are', async () => {
    const long = `${stanza('long', `Description: ${'x'.repeat(5 * WINDOW_BYTES)}\n`)}\n`;
    const count = 20_000;
    const many = Array.from({ length: count }, (_, i) => `${stanza(`p${i % 7000}`, `Provides: v${i}, w${i}\n`, `${i}`)}\n`).join('');
    const [text, ...texts] = [long + many, long, many, stanza('last')];
    expect(told(inMemory(text))).toEqual(toldByStanzas(Buffer.from(text)));
    const files = texts.map((content, i) => ({ path: join(directory, `Packages-${i}`), sizeBytes: content.length }));
    for (const [i, { path }] of files.entries()) await writeFile(path, texts[i]!);
    const inFiles = new TextInFiles(files);
    expect(told(readDirectory(inFiles, []))).toEqual(toldByStanzas(Buffer.from(texts.join(''))));
    inFiles.close();
  });

  it.each([
    ['before it reads', stanza('a'), 4],
    ['for the packages', Array.from({ length: 40_000 }, (_, i) => `${stanza(`p${i}`)}\n`).join(''), 64],
    ['for a stanza', stanza('long', `Description: ${'x'.repeat(4 * WINDOW_BYTES)}\n`), 24],
  ])('says so when there is no memory %s', (_, content, pages) => {
    const text = new TextInMemory(Buffer.from(content));
    expect(() => text.scan(new DirectoryReader(text, [{ path: 'main', offset: 0 }], pages))).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_INDEX_INVALID', facts: { paths: ['main'] } }),
    );
  });
});
