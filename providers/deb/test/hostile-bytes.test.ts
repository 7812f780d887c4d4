import { readFileSync } from 'node:fs';
import { isIctError } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStanzas, readStanzas } from '../src/metadata/deb822.js';
import { parseRelease } from '../src/metadata/release.js';
import { parseRfc822Date } from '../src/metadata/rfc822-date.js';

/** Any bytes; and sound ones of which a part is replaced by others, more or fewer. */
function hostile(sound: Buffer): fc.Arbitrary<Buffer> {
  const spliced = fc
    .tuple(fc.nat(sound.length), fc.nat(60), fc.uint8Array({ maxLength: 60 }))
    .map(([at, gone, bytes]) => Buffer.concat([sound.subarray(0, at), bytes, sound.subarray(at + gone)]));
  return fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    spliced,
  );
}

const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const packages = fixture('bookworm-packages').subarray(0, 6000);
const signed = fixture('bookworm-updates/InRelease').toString('utf8');
const release = Buffer.from(signed.slice(signed.indexOf('\n\n') + 2, signed.indexOf('-----BEGIN PGP SIGNATURE')));

/** What came of reading: the result, or the code of the error. Anything else is thrown on. */
function codeOf(error: unknown): string {
  if (!isIctError(error)) throw error;
  return error.code;
}

describe('any bytes are read, or refused with a code of their own:', () => {
  it('as Release files, whose digests are then digests and whose sizes are sizes', () => {
    let read = 0;
    fc.assert(
      fc.property(hostile(release), (bytes) => {
        try {
          const { files, dateSeconds } = parseRelease(bytes.toString('utf8'), 'r');
          read += 1;
          expect(Number.isSafeInteger(dateSeconds)).toBe(true);
          for (const { digest, sizeBytes } of files.values()) {
            expect(digest).toMatch(/^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/);
            expect(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0).toBe(true);
          }
        } catch (error) {
          expect(codeOf(error)).toMatch(/^ICT_DEB_(RELEASE|STANZA)_/);
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(0);
  });

  it('as stanzas, whole and in pieces alike', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(hostile(packages), fc.integer({ min: 1, max: 700 }), async (bytes, size) => {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
        const inPieces = await names(pieces).catch(codeOf);
        expect(inPieces).toEqual(await names([bytes]).catch(codeOf));
        if (typeof inPieces === 'string') expect(inPieces).toBe('ICT_DEB_STANZA_INVALID');
        else read += 1;
        try {
          parseStanzas(bytes.toString('latin1'));
        } catch (error) {
          expect(codeOf(error)).toBe('ICT_DEB_STANZA_INVALID');
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(0);
  });

  it('as dates, which are whole seconds or none', () => {
    const part = fc.constantFrom(
      'Sat, ',
      '11',
      ' ',
      'Jul ',
      '2026',
      '99999',
      '10:16:37',
      '24:60:61',
      ' UTC',
      ' +9999',
      ' -0000',
      '\n',
      ':',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part, { maxLength: 9 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const seconds = parseRfc822Date(text);
          if (seconds !== undefined) expect(Number.isSafeInteger(seconds)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

async function names(pieces: readonly Uint8Array[]): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for await (const stanza of readStanzas(pieces)) found.push(stanza.names());
  return found;
}
