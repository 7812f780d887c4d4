import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readDirectory } from '../src/metadata/index-directory.js';
import { IndexStore } from '../src/metadata/index-store.js';
import { TextInFiles } from '../src/metadata/index-text.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { formatGroup, parseProvides, parseRelations } from '../src/relations/relation.js';
import type { Relation, RelationGroup } from '../src/relations/relation.js';
import { indexText } from './resolve-case-file.js';

/** An index of packages, a field of each. */
const textOf = (field: string, values: readonly string[]): Buffer =>
  Buffer.from(
    values.map((value, i) => indexText([{ name: `p${i}`, version: '1' }]).replace('\nVersion', `\n${field}: ${value}\nVersion`)).join('\n'),
  );

const directory = mkdtempSync(join(tmpdir(), 'ict-relations-'));
const opened: TextInFiles[] = [];
afterAll(() => {
  for (const text of opened) text.close();
  rmSync(directory, { recursive: true });
});

/** The same packages of a text in memory, and of one in a file. */
function bothWays(field: string, values: readonly string[], store?: IndexStore): readonly [PackagesIndex, PackagesIndex] {
  const bytes = textOf(field, values);
  const path = join(directory, 'Packages');
  writeFileSync(path, bytes);
  const text = new TextInFiles([{ path, sizeBytes: bytes.length }]);
  // Before the next text is written there, every stanza of this one is read.
  const index = new PackagesIndex(readDirectory(text, []), text, store);
  for (let row = 0; row < index.count; row++) index.field(row, 'package');
  opened.push(text);
  return [PackagesIndex.parse(bytes, [], store), index];
}

/** As assembly/versions.ts numbers them. */
const OPERATORS = [undefined, '<<', '<=', '=', '>=', '>>'] as const;

/** The alternatives of a group as assembly/relations.ts keeps them. */
function alternativesOf({ store }: PackagesIndex, group: number): readonly Pick<Relation, 'name' | 'qualifier' | 'operator' | 'version'>[] {
  return Array.from({ length: store.number(group + 4) / 4 }, (_, at) => {
    const [name, shape, version, qualifier] = [0, 1, 2, 3].map((place) => store.number(group + 5 + 4 * at + place)) as [
      number,
      number,
      number,
      number,
    ];
    const start = (store.module.groupTexts() >>> 0) + version;
    return {
      name: store.nameText(name),
      qualifier: qualifier === 0 ? undefined : store.nameText(qualifier - 1),
      operator: OPERATORS[shape & 7],
      version: shape === 0 ? undefined : store.text(start, shape >>> 3),
    };
  });
}

const outcomeOf = (ask: () => unknown): unknown => {
  try {
    return ask();
  } catch (error) {
    return (error as Error).message;
  }
};

describe('relations as numbers', () => {
  it.each([
    'a',
    'a, b (>= 1), a',
    'a|b (<<2)\n , c ,, d:any,',
    'a [amd64 !i386], b <!nocheck>',
    '\ta\t,\tb\t',
    ',',
    'a b',
    'ok, a (= 1 2)',
    'a |',
    '${shlibs:Depends}',
    '\u00e4',
    'a,\u00a0b\u00a0',
    'a,\u00a0, b',
  ])('say of %j what its text says', (value) => {
    const [text, kept] = bothWays('Depends', [value, value]);
    for (const i of [0, 1]) expect(outcomeOf(() => kept.relations(i, 'Depends'))).toEqual(outcomeOf(() => text.relations(i, 'Depends')));
    const fault = outcomeOf(() => parseRelations(value));
    expect(kept.groups(0, 'Depends') !== undefined).toBe(typeof fault !== 'string');
  });

  it.each(['a', 'a (= 1), b (>= 2), c:any', 'a | b', 'a (= 1', ''])('say of provided %j what its text says', (value) => {
    const [text, kept] = bothWays('Provides', [value]);
    expect(outcomeOf(() => kept.provides(0))).toEqual(outcomeOf(() => text.provides(0)));
    expect(kept.groups(0, 'Provides') !== undefined).toBe(typeof outcomeOf(() => parseProvides(value)) !== 'string');
  });

  it('spoil no other field when one cannot be read', () => {
    const [text, kept] = bothWays('Depends', ['a, b', 'a, x y', 'x y', 'b']);
    expect([0, 3].map((i) => kept.relations(i, 'Depends').map(formatGroup))).toEqual([['a', 'b'], ['b']]);
    for (const i of [1, 2])
      expect(() => kept.relations(i, 'Depends')).toThrow(expect.objectContaining({ code: 'ICT_DEB_RELATION_INVALID' }));
    expect(kept.count).toBe(text.count);
  });

  it('have groups that are written alike once', () => {
    for (const index of bothWays('Depends', ['a | b, c', 'c, a | b', 'c'])) {
      const [[ab, c] = [], second, third] = [0, 1, 2].map((row) => index.groups(row, 'Depends'));
      expect(ab).not.toBe(c);
      expect([second, third]).toEqual([[c, ab], [c]]);
    }
    const store = new IndexStore();
    const [first, second] = ['a | b, c', 'c'].map((value) => bothWays('Depends', [value], store)[1]);
    expect(first!.groups(0, 'Depends')![1]).toBe(second!.groups(0, 'Depends')![0]);
    expect(first!.relations(0, 'Depends')[1]).toBe(second!.relations(0, 'Depends')[0]);
  });

  it('have names and versions as numbers where a group says nothing else, and in the usual form', () => {
    const name = fc.constantFrom('a', 'b2', 'lib.c+d-e', '_x', '');
    const version = fc.constantFrom(
      '',
      ' (>= 1:2~a-3)',
      ' (= 1)',
      ' (<< 2+b)',
      ' (<= 0)',
      ' (>> 1)',
      ' (< 1)',
      ' (>=1)',
      ' (= )',
      ':any',
      ':i386 (= 1)',
      ':any ',
      ': any',
      ':',
      ':a.b',
      ' [amd64]',
    );
    const separator = fc.constantFrom(' | ', '|', ' |  ', ' |');
    const group = fc
      .tuple(name, version, fc.array(fc.tuple(separator, name, version), { maxLength: 2 }))
      .map(([first, its, more]) => `${first}${its}${more.flat().join('')}`);
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 3 }), (groups) => {
        for (const index of bothWays('Depends', groups)) {
          groups.forEach((text, row) => {
            const found = index.groups(row, 'Depends');
            const parsed = outcomeOf(() => parseRelations(text));
            if (typeof parsed === 'string') return expect(found).toBe(undefined);
            const [relations = []] = parsed as readonly RelationGroup[];
            const told = found!.flatMap((group) => alternativesOf(index, group));
            const isPlain = formatGroup(relations) === text.trim() && relations.every(({ architectures }) => architectures.length === 0);
            expect(told).toEqual(
              isPlain ? relations.map(({ name, qualifier, operator, version }) => ({ name, qualifier, operator, version })) : [],
            );
          });
        }
      }),
    );
  });

  it('are read as by the expression that knows every form', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9+._:~<>=()| -]{0,12}$/);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (parts) => {
        const value = parts.join(',');
        // A tab keeps the usual forms from being recognised.
        const slow = outcomeOf(() =>
          parseRelations(value.replaceAll(',', '\t,\t').replaceAll(' ', ' \t')).map((group) => group.map((each) => ({ ...each }))),
        );
        const quick = outcomeOf(() => parseRelations(value));
        if (typeof quick === 'string') expect(typeof slow).toBe('string');
        else expect(quick).toEqual(slow);
      }),
    );
  });
});
