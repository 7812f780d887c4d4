import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseYaml } from '../src/documents/yaml-document.js';
import { said } from './workspace.js';

describe('data', () => {
  it('leaves out keys without a value, and keeps text that looks like shell', () => {
    const { data, problems } = parseYaml('a:\nb: [1, x, true]\nc: "$(id) \'`x`\\n"\n', 'a.yml');
    expect(problems).toEqual([]);
    expect(data).toEqual({ b: [1, 'x', true], c: "$(id) '`x`\n" });
  });

  it('reads YAML 1.2: yes and 0644 are what they look like', () => {
    expect(parseYaml('a: yes\nb: 0644\nc: 1_000\n', 'a.yml').data).toEqual({ a: 'yes', b: 644, c: '1_000' });
  });

  it('follows aliases', () => {
    const { data, positions } = parseYaml('a: &x [1, {b: 2}]\nc: *x\n', 'a.yml');
    expect(data).toEqual({ a: [1, { b: 2 }], c: [1, { b: 2 }] });
    expect(positions.positionOf(['c'])).toEqual({ file: 'a.yml', line: 2, column: 4 });
    expect(positions.positionOf(['c', 1, 'b'])).toEqual({ file: 'a.yml', line: 1, column: 15 });
  });

  it.each([
    ['an alias', 'a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n', { p: 1, q: 3 }],
    ['a mapping', 'b: {q: 3, <<: {p: 1, q: 2}}\n', { q: 3, p: 1 }],
    ['a list, the first before the others', 'a: &x {p: 1}\nc: &y {p: 2, q: 2}\nb: {<<: [*x, *y]}\n', { p: 1, q: 2 }],
    ['what another brings in', 'a: &x {p: 1}\nc: &y {<<: *x, q: 2}\nb: {<<: *y}\n', { q: 2, p: 1 }],
    ['nothing when it is in quotes', 'b: {"<<": 1}\n', { '<<': 1 }],
  ])('<< brings in %s', (_what, text, expected) => {
    const { data, problems } = parseYaml(text, 'a.yml');
    expect([problems, (data as { b: unknown }).b]).toEqual([[], expected]);
  });

  it('knows where what << brings in was written', () => {
    const { positions } = parseYaml('a: &x\n  p: 1\nb:\n  <<: *x\n', 'a.yml');
    expect(positions.positionOf(['b', 'p'])).toEqual({ file: 'a.yml', line: 2, column: 6 });
  });

  it('makes no prototype of a key that << brings in', () => {
    const { data } = parseYaml('a: &x {__proto__: {polluted: true}}\nb: {<<: *x}\n', 'a.yml');
    expect(Object.keys((data as { b: object }).b)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('makes no prototype of a key', () => {
    const { data } = parseYaml('__proto__: {polluted: true}\n', 'a.yml');
    expect(Object.keys(data as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

it('knows the place of keys and values', () => {
  const { positions } = parseYaml('disk:\r\n  name: x\r\n  list:\r\n    - a\r\n', 'a.yml');
  expect(positions.keyPositionOf(['disk', 'name'])).toEqual({ file: 'a.yml', line: 2, column: 3 });
  expect(positions.positionOf(['disk', 'name'])).toEqual({ file: 'a.yml', line: 2, column: 9 });
  expect(positions.positionOf(['disk', 'list', 0])).toEqual({ file: 'a.yml', line: 4, column: 7 });
  expect(positions.sourceOf(['disk', 'name'])).toBe('x');
  expect(positions.positionOf(['nothing'])).toBeUndefined();
  expect(positions.snippet({ file: 'a.yml', line: 2, column: 9 })).toBe('2 |   name: x\n  |         ^');
});

describe('refuses', () => {
  it.each([
    ['a key given twice', 'a: 1\nb: 2\na: 3\n', 'ICT_DOCUMENT_DUPLICATE_KEY: the key "a" is given twice; line 1 has it first'],
    ['a key given twice in two spellings', '"a": 1\na: 3\n', 'ICT_DOCUMENT_DUPLICATE_KEY: the key "a" is given twice; line 1 has it first'],
    ['<< of a text', 'a: {<<: x}\n', 'ICT_DOCUMENT_WRONG_TYPE: "<<" takes a mapping of keys to values, or a list of them'],
    ['<< of itself', 'a: &x {<<: *x}\n', 'ICT_DOCUMENT_SYNTAX: the alias stands inside what it refers to'],
    ['<< of nothing', 'a: {<<: *x}\n', 'ICT_DOCUMENT_SYNTAX: no anchor of this name stands before the alias'],
    ['<< twice', 'a: &x {p: 1}\nb: {<<: *x, <<: *x}\n', 'ICT_DOCUMENT_DUPLICATE_KEY: a mapping has "<<" twice'],
    ['several documents', 'a: 1\n---\nb: 2\n', 'ICT_DOCUMENT_SYNTAX: the file has more than one document'],
    ['a list as key', '? [a]\n: 1\n', 'ICT_DOCUMENT_SYNTAX: a key must be a plain word'],
    ['a tag', 'a: !secret x\n', 'ICT_DOCUMENT_SYNTAX: the tag before the value has no meaning here'],
    ['YAML 1.1', '%YAML 1.1\n---\na: yes\n', 'ICT_DOCUMENT_SYNTAX: the file says that it is YAML 1.1; only 1.2 is read'],
    ['NUL', 'a: "x\\0y"\n', 'ICT_DOCUMENT_BAD_VALUE: the text contains a NUL character'],
    ['an alias inside its anchor', 'a: &x [*x]\n', 'ICT_DOCUMENT_SYNTAX: the alias stands inside what it refers to'],
  ])('%s', (_, text, expected) => {
    const { data, problems } = parseYaml(text, 'a.yml');
    expect(said(problems)).toContain(expected);
    expect(data).toBeUndefined();
  });

  it.each([
    ['open brackets', 'a: [1, 2\nb: 3\n'],
    ['several documents', 'a: 1\n---\nb: 2\n'],
    ['tabs as indentation', 'a:\n\tb: 1\n'],
    ['a hostile depth', '['.repeat(50_000)],
    ['a moderate depth', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['a huge file', `a: ${'x'.repeat(5_000_000)}`],
    [
      'aliases that multiply',
      `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`).join('\n')}\n`,
    ],
  ])('%s', (_, text) => {
    const { data, problems } = parseYaml(text, 'a.yml');
    expect(problems.map(({ code }) => code)).toContain('ICT_DOCUMENT_SYNTAX');
    expect(data).toBeUndefined();
  });
});

it('hides control characters of a snippet', () => {
  const [problem] = parseYaml('a: 1\na: \u001b[31m\u202e\n', 'a.yml').problems;
  expect(problem?.snippet).toContain('\ufffd[31m\ufffd');
});

it('covers secrets in a snippet, each line of them, and one inside another once', () => {
  const { positions } = parseYaml('a: 1\r\ntoken:\r\n  - { b: x, password: yy }\r\n  - zzz\r\nc: d\r\n', 'a.yml');
  const line = (number: number): string => positions.snippet({ file: 'a.yml', line: number, column: 1 }).split('\n')[0] ?? '';
  expect([1, 2, 3, 4, 5].map(line)).toEqual(['1 | a: 1', '2 | token:', '3 |   ************************', '4 | *******', '5 | c: d']);
});

it('never throws, whatever the text', () => {
  const word = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '&x ',
    '*x',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '|',
    '>',
    '!t ',
    '? ',
    '#',
    '%',
    '\t',
    '---\n',
    '\0',
    '<<',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
      ),
      (text) => {
        const { data, problems } = parseYaml(text, 'a.yml');
        expect(problems.length === 0 || data === undefined).toBe(true);
        for (const { position } of problems) expect(position?.line).toBeGreaterThan(0);
      },
    ),
    { numRuns: 2000 },
  );
});
