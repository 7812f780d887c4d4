import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineSplitter } from '../src/line-splitter.js';

function feed(splitter: LineSplitter, chunks: readonly Uint8Array[]): string[] {
  return [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))), ...splitter.end()];
}

it.each([
  ['', []],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\n\nb', ['a', '', 'b']],
  ['\n', ['']],
])('%j', (text, lines) => {
  expect(feed(new LineSplitter(), [Buffer.from(text)])).toEqual(lines);
});

it('gives the same lines wherever the chunks are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(200)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join('\n'));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      expect(feed(new LineSplitter(), chunks)).toEqual(feed(new LineSplitter(), [bytes]));
      expect(feed(new LineSplitter(), chunks).join('\n')).toBe(bytes.toString().replace(/\n$/, ''));
    }),
  );
});

it('hands out a line without end in pieces', () => {
  const splitter = new LineSplitter(10);
  const lines = feed(
    splitter,
    Array.from({ length: 10 }, () => Buffer.from('abcd')),
  );
  expect(lines.join('')).toBe('abcd'.repeat(10));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(14);
});
