import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { YamlDocuments } from '../src/metadata/yaml-documents.js';

/** The documents of a text that is handed over in pieces of so many bytes. */
function divided(text: string, pieceBytes = 5, length = 1000): readonly string[] {
  const found: string[] = [];
  const documents = new YamlDocuments((each) => void found.push(each), { length, error: () => new Error('too long') });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) documents.write(bytes.subarray(at, at + pieceBytes));
  documents.end();
  return found;
}

describe('documents of a stream', () => {
  it.each([
    ['begin with a marker', '---\na: b\n---\nc: d\n', ['---\na: b\n', '---\nc: d\n']],
    ['need none at first', 'a: b\n---\nc: d', ['a: b\n', '---\nc: d']],
    ['may begin in the line of the marker', '--- a\n--- b\n', ['--- a\n', '--- b\n']],
    ['end with a marker, too', 'a\n...\nb\n', ['a\n...\n', 'b\n']],
    [
      'have their directives and comments before them',
      '# x\n%YAML 1.2\n---\na\n...\n# y\n---\nb\n',
      ['# x\n%YAML 1.2\n---\na\n...\n', '# y\n---\nb\n'],
    ],
    ['hold lines that only look like markers', '---\n----\n ---\n---a\n', ['---\n----\n ---\n---a\n']],
    ['have lines that end as those of other systems', '---\r\na\r\n---\r\nb', ['---\r\na\r\n', '---\r\nb']],
    ['go on after a carriage return alone', '---\na: b\r...\r---\rc\n---\nd\n', ['---\na: b\r...\r---\rc\n', '---\nd\n']],
    ['may be none', '', []],
  ])('%s', (_what, text, expected) => {
    for (const pieceBytes of [1, 5, 100]) expect(divided(text, pieceBytes)).toEqual(expected);
  });

  it('say what the whole stream says', () => {
    const line = fc.constantFrom(
      '---',
      '--- x',
      '...',
      '# note',
      '%YAML 1.2',
      '',
      'a: b',
      'c: |',
      '  ---',
      '  text',
      "d: 'é",
      " e'",
      '- f',
      '----',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (lines, pieceBytes) => {
        const text = lines.join('\n');
        const whole = parseAllDocuments(text, { schema: 'failsafe', prettyErrors: false });
        fc.pre(Array.isArray(whole) && whole.every(({ errors }) => errors.length === 0));
        const parts = divided(text, pieceBytes).flatMap((each) => [
          ...parseAllDocuments(each, { schema: 'failsafe', prettyErrors: false }),
        ]);
        const said = (all: typeof parts) => all.map((each) => each.toJS() as unknown).filter((each) => each !== null);
        expect(parts.flatMap(({ errors }) => errors)).toEqual([]);
        expect(said(parts)).toEqual(said([...whole]));
      }),
      { numRuns: 2000 },
    );
  });

  it('are refused as soon as one is too long, with or without an end of its line', () => {
    expect(divided('a\n'.repeat(10), 5, 20)).toHaveLength(1);
    expect(() => divided('a\n'.repeat(11), 5, 20)).toThrow('too long');
    expect(() => divided('a'.repeat(21), 5, 20)).toThrow('too long');
    expect(divided('---\na\n'.repeat(50), 5, 20)).toHaveLength(50);
  });
});
