import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClearsigned } from '../src/clearsigned.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const signature = '-----BEGIN PGP SIGNATURE-----\n\nwnUE\n-----END PGP SIGNATURE-----\n';
const message = (body: string, headers = 'Hash: SHA256\n'): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\n${headers}\n${body}\n${signature}`;

describe('readClearsigned', () => {
  it.each([
    ['plain', message('Origin: Debian'), 'Origin: Debian'],
    ['several lines', message('a\n\nb'), 'a\n\nb'],
    ['dash escapes', message('- -----BEGIN PGP\n- - item\n- From'), '-----BEGIN PGP\n- item\nFrom'],
    ['blanks at line ends', message('a \t\n b\t '), 'a\n b'],
    ['CRLF line endings', message('a\nb').replaceAll('\n', '\r\n'), 'a\nb'],
    ['no hash header', message('a', ''), 'a'],
    ['several hashes', message('a', 'Hash: SHA256, SHA512\nHash: SHA3-512\n'), 'a'],
    ['empty lines after the end', `${message('a')}\n\r\n`, 'a'],
    ['no final newline', message('a').trimEnd(), 'a'],
    ['an empty text line', message(''), ''],
  ])('reads %s', (_name, input, text) => {
    const reading = readClearsigned(encode(input));
    expect(reading).toMatchObject({ kind: 'message', parts: { text, covered: encode(text.replaceAll('\n', '\r\n')) } });
  });

  it.each([
    ['text before the message', `evil: 1\n${message('a')}`],
    ['an empty line before the message', `\n${message('a')}`],
    ['a byte order mark', `\uFEFF${message('a')}`],
    ['text after the signature', `${message('a')}evil: 1\n`],
    ['a second message', `${message('a')}${message('b')}`],
    ['a message within a message', message(message('b'))],
    ['another header', message('a', 'Hash: SHA256\nEvil: 1\n')],
    ['a header with text behind it', message('a', 'Hash: SHA256\tevil\n')],
    ['blanks in place of the empty line', message('a', 'Hash: SHA256\n \n')],
    ['an unescaped dash', message('-evil')],
    ['two signature blocks', `${message('a')}${signature}`],
    ['a signature within a signature', message('a').replace('wnUE', signature.trimEnd())],
    ['no signature', '-----BEGIN PGP SIGNED MESSAGE-----\n\na\n'],
    ['an unfinished signature', message('a').replace('-----END PGP SIGNATURE-----\n', '')],
    ['only headers', '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256'],
  ])('refuses %s', (_name, input) => {
    expect(readClearsigned(encode(input)).kind).toBe('malformed');
  });

  it.each([
    ['a Release file', 'Origin: x\nSHA256:\n'],
    ['the login page of a network', '<!DOCTYPE html>\n<title>Welcome</title>\n'],
    ['nothing', ''],
  ])('tells %s, which nobody has signed, from what was signed badly', (_name, input) => {
    expect(readClearsigned(encode(input))).toEqual({ kind: 'unsigned', reason: 'the text carries no signature' });
  });

  it('refuses text that is not UTF-8', () => {
    expect(readClearsigned(Buffer.from(message('caf\u00e9'), 'latin1'))).toEqual({
      kind: 'malformed',
      reason: 'the message is not UTF-8 text',
    });
  });

  it('returns the lines that were framed, whatever they hold', () => {
    const line = fc.string({ unit: fc.constantFrom('-', ' ', '\t', 'a', '\u00e9', ':', 'B', '\0') });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const escaped = lines.map((text) => (text.startsWith('-') ? `- ${text}` : text)).join('\n');
        const expected = lines.map((text) => text.replace(/[ \t]+$/, '')).join('\n');
        expect(readClearsigned(encode(message(escaped)))).toMatchObject({ kind: 'message', parts: { text: expected } });
      }),
    );
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      '-----BEGIN PGP SIGNED MESSAGE-----',
      '-----BEGIN PGP SIGNATURE-----',
      '-----END PGP SIGNATURE-----',
      '\n',
      'Hash: SHA256',
      '- ',
      'x',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.array(piece).map((pieces) => encode(pieces.join(''))),
        ),
        (bytes) => {
          expect(['message', 'malformed', 'unsigned']).toContain(readClearsigned(bytes).kind);
        },
      ),
    );
  });
});
