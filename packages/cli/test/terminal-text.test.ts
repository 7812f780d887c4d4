import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columns, displayWidth, padEnd, plainText, table, tableWithin, truncate } from '../src/views/terminal-text.js';

const anyText = fc.string({ unit: 'binary' });

describe('plainText', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007after', 'after'],
    ['\u001b]8;;http://evil.example\u001b\\link', 'link'],
    ['back\rspace\b', 'backspace'],
    ['right\u202eto left', 'rightto left'],
    ['a\n\tb', 'a\n\tb'],
    ['\u009b2Jc1', '2Jc1'],
  ])('makes %j safe', (text, expected) => {
    expect(plainText(text)).toBe(expected);
  });

  it('leaves no control character, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // eslint-disable-next-line no-control-regex -- that none is left is what is tested
        expect(plainText(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['\u001b[31mabc\u001b[0m', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['🚀', 2],
  ])('of %j is %i', (text, expected) => {
    expect(displayWidth(text)).toBe(expected);
  });
});

describe('truncate', () => {
  it('never takes more columns than it may', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, columns) => {
        expect(displayWidth(truncate(plainText(text), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['日本語', 4, '日…'],
    ['abc', 0, ''],
  ])('%s to %i is %s', (text, columns, expected) => {
    expect(truncate(text, columns)).toBe(expected);
  });
});

describe('tableWithin', () => {
  const rows = [
    ['a', '1', '', 'x'],
    ['bb', '22', 'yy', 'z'],
  ];
  const narrow = ['a  1', '      x', 'bb  22', '      yy  z'];

  it.each([
    ['nobody knows how wide it is', undefined, table(rows)],
    ['it fits', 13, table(rows)],
    ['it does not fit', 12, narrow],
  ])('where %s', (_when, width, expected) => {
    expect(tableWithin(width, rows, { first: 2 })).toEqual(expected);
  });
});

describe('table', () => {
  it('lines columns up by width, and the last stays as it is', () => {
    expect(
      table(
        [
          ['a', '1', 'x'],
          ['日本', '10', 'yy'],
        ],
        { right: [1] },
      ),
    ).toEqual(['a      1  x', '日本  10  yy']);
  });

  it('leaves no blanks at the end, and out what a row does not have', () => {
    expect(table([['a', '', 'x'], ['bb', 'yy', ''], ['c']])).toEqual(['a       x', 'bb  yy', 'c']);
  });

  it.each([
    [
      ['x', 'yyyyy'],
      ['head   right', 'x          1', 'yyyyy      5'],
    ],
    [[], ['head  right']],
  ])('shows of %j the heads and what each column says', (items, lines) => {
    const shown = [
      { head: 'head', text: (item: string) => item },
      { head: 'right', text: (item: string) => `${item.length}`, right: true },
      { head: '', text: () => '' },
    ];
    expect([...columns(items, shown)]).toEqual(lines);
  });

  it('takes as many rows as a cache has entries', () => {
    const lines = table(Array.from({ length: 300_000 }, (_none, row) => ['blob', `${row}`]));
    expect([lines.length, lines.at(-1)]).toEqual([300_000, 'blob  299999']);
  });

  it('pads to the right', () => {
    expect(padEnd('日', 4)).toBe('日  ');
  });
});
