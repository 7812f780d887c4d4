import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsoleText } from '../src/console.js';

const plainOf = (...pieces: (string | Uint8Array)[]): string => {
  const console = new ConsoleText();
  return pieces.map((piece) => console.write(Buffer.from(piece as string)).text).join('');
};

describe('ConsoleText', () => {
  it.each([
    ['plain\r\ntext', 'plain\ntext'],
    ['\u001b[0;32m  OK  \u001b[0m done', '  OK   done'],
    ['\u001b[2J\u001b[01;01H\u001b[=3hBdsDxe', 'BdsDxe'],
    ['\u001b]0;title\u0007after\u001b]3008;start=x\u001b\\end', 'afterend'],
    ['\u001b(B\u001b7\u001b8\u001bMx', 'x'],
    ['\u001b\u001b[0mx', 'x'],
    ['a\0b', 'ab'],
  ])('reads %j as %j', (given, expected) => {
    expect(plainOf(given)).toBe(expected);
  });

  it('gives the same text however the bytes are cut', () => {
    const part = fc.constantFrom(
      'ok',
      'ü',
      '→',
      '\r\n',
      '\u001b[0;1;31m',
      '\u001b[0m',
      '\u001b]0;t\u0007',
      '\u001b(B',
      '\u001b7',
      'Linux version 6.12',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 10 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(plainOf(...pieces)).toBe(plainOf(bytes));
      }),
    );
  });

  it('does not lose text to rubbish for long', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
        const console = new ConsoleText();
        console.write(noise);
        console.write(Buffer.from(`\u0007\u001b\\${' '.repeat(600)}`));
        expect(console.write(Buffer.from('the marker')).text).toContain('marker');
      }),
    );
  });

  it('finds a text across pieces, and only in the piece where it ends', () => {
    const console = new ConsoleText();
    expect(console.write(Buffer.from('boot: rea')).has('ready')).toBe(false);
    expect(console.write(Buffer.from('d\u001b[0my')).has('ready')).toBe(true);
    expect(console.write(Buffer.from(' set')).has('ready')).toBe(false);
  });

  it('keeps the end', () => {
    const console = new ConsoleText(10);
    console.write(Buffer.from('0123456789'));
    console.write(Buffer.from('abc'));
    expect(console.tail).toBe('3456789abc');
  });
});
