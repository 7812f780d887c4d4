import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIctError } from '@ict/plugin-api';
import { formatGroup, parseProvides, parseRelations, RelationTable } from '../src/relations/relation.js';

const bare = { qualifier: undefined, operator: undefined, version: undefined, architectures: [], profiles: [] };

describe('parseRelations', () => {
  it('gives an AND of OR groups, in order', () => {
    expect(parseRelations('default-mta | mail-transport-agent, libc6 (>= 2.36)')).toEqual([
      [
        { ...bare, name: 'default-mta' },
        { ...bare, name: 'mail-transport-agent' },
      ],
      [{ ...bare, name: 'libc6', operator: '>=', version: '2.36' }],
    ]);
  });

  it.each([
    ['python3:any (>= 3.9~)', { ...bare, name: 'python3', qualifier: 'any', operator: '>=', version: '3.9~' }],
    ['gcc:native', { ...bare, name: 'gcc', qualifier: 'native' }],
    [
      'mesa-stable:i386 (= 24.2.6-101pika1)',
      { ...bare, name: 'mesa-stable', qualifier: 'i386', operator: '=', version: '24.2.6-101pika1' },
    ],
    ['libstdc++6(<<1:2)', { ...bare, name: 'libstdc++6', operator: '<<', version: '1:2' }],
    ['a (< 1)', { ...bare, name: 'a', operator: '<=', version: '1' }],
    ['a (> 1)', { ...bare, name: 'a', operator: '>=', version: '1' }],
    ['a (>> 1)', { ...bare, name: 'a', operator: '>>', version: '1' }],
    ['a (<= 1) [amd64 !i386]', { ...bare, name: 'a', operator: '<=', version: '1', architectures: ['amd64', '!i386'] }],
    ['a <!nocheck> <!cross stage1>', { ...bare, name: 'a', profiles: ['!nocheck', '!cross stage1'] }],
    ['a [linux-any] <!nodoc>', { ...bare, name: 'a', architectures: ['linux-any'], profiles: ['!nodoc'] }],
    ['  a\t(=\n 1 )  ', { ...bare, name: 'a', operator: '=', version: '1' }],
  ])('reads %j', (text, expected) => {
    expect(parseRelations(text)).toEqual([[expected]]);
  });

  it.each(['', '  ', ',', ' , ,'])('finds nothing in %j', (text) => {
    expect(parseRelations(text)).toEqual([]);
  });

  it('passes over empty groups and folds lines', () => {
    expect(parseRelations('a,\n b ,, c,').map(formatGroup)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    'a b',
    'a |',
    '| a',
    'a (1)',
    'a (=)',
    'a (= 1',
    'a (!= 1)',
    'a (= 1) (= 2)',
    '-a',
    'a:',
    'a (= 1 2)',
    'ä',
    'a [amd64',
    '${shlibs:Depends}',
  ])('refuses %j', (text) => {
    expect(() => parseRelations(text)).toThrow(expect.objectContaining({ code: 'ICT_DEB_RELATION_INVALID' }));
  });

  it('reads back what it writes', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,8}$/);
    const version = fc.stringMatching(/^[0-9][0-9a-z.+~]{0,6}$/);
    const relation = fc
      .tuple(
        name,
        fc.constantFrom('', ':any', ':amd64'),
        fc.option(fc.tuple(fc.constantFrom('<<', '<=', '=', '>=', '>>'), version), { nil: undefined }),
      )
      .map(
        ([text, qualifier, constraint]) => `${text}${qualifier}${constraint === undefined ? '' : ` (${constraint[0]} ${constraint[1]})`}`,
      );
    fc.assert(
      fc.property(fc.array(fc.array(relation, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (groups) => {
        const text = groups.map((group) => group.join(' | ')).join(', ');
        expect(parseRelations(text).map(formatGroup).join(', ')).toBe(text);
      }),
    );
  });

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1 ,|():[]<>=!~+-\n{}$é') }), (text) => {
        try {
          expect(Array.isArray(parseRelations(text))).toBe(true);
        } catch (error) {
          expect(isIctError(error) && error.code).toBe('ICT_DEB_RELATION_INVALID');
        }
      }),
    );
  });
});

describe('RelationTable', () => {
  it('gives equal text the same group', () => {
    const table = new RelationTable();
    const [first] = table.groups('libc6 (>= 2.36), a');
    const [, second] = table.groups('b, libc6 (>= 2.36)');
    expect(second).toBe(first);
  });
});

describe('parseProvides', () => {
  it('keeps plain and exact entries, and leaves out ranges', () => {
    expect(parseProvides('awk, editor (= 2:1), old (>= 1), x:any')).toEqual([
      { name: 'awk', qualifier: undefined, version: undefined },
      { name: 'editor', qualifier: undefined, version: '2:1' },
      { name: 'x', qualifier: 'any', version: undefined },
    ]);
  });

  it('refuses alternatives', () => {
    expect(() => parseProvides('a | b')).toThrow(expect.objectContaining({ code: 'ICT_DEB_RELATION_INVALID' }));
  });
});
