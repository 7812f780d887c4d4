import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Digest } from '@ict/plugin-api';
import {
  digestAlgorithm,
  digestFromHex,
  digestFromIntegrity,
  digestHex,
  digestOf,
  digestParts,
  integrityFromDigest,
  integrityOf,
  isAnyDigest,
  isContentAlgorithm,
  isSha256Digest,
  isStatedHex,
  parseDigest,
  parseIntegrity,
  statedDigest,
} from '../src/index.js';

const EMPTY_HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const hex = (algorithm: string): string => createHash(algorithm).update('x').digest('hex');
const sri = (algorithm: string, bytes: string): string => `${algorithm}-${createHash(algorithm).update(bytes).digest('base64')}`;

describe('digests that repositories state', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('may be of %s', (algorithm) => {
    const digest = statedDigest(algorithm, hex(algorithm))!;
    expect(digest).toBe(digestOf('x', algorithm));
    expect([isAnyDigest(digest), isSha256Digest(digest)]).toEqual([true, algorithm === 'sha256']);
    expect(digestParts(digest)).toEqual({ algorithm, hex: hex(algorithm) });
    expect(digestAlgorithm(digest)).toBe(algorithm);
    expect(isContentAlgorithm(algorithm)).toBe(true);
    const digits = Buffer.from(`.${hex(algorithm)}.`);
    const isHex = [-1, 0, 1].map((more) => isStatedHex(algorithm, digits, 1, digits.length - 1 + more));
    expect(isHex).toEqual([false, true, false]);
    // What is named here goes by SHA-256 alone.
    if (algorithm !== 'sha256') expect(() => digestHex(digest)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }));
  });

  it.each([
    ['a weak kind', 'sha1', hex('sha1')],
    ['the digits of another', 'sha512', hex('sha256')],
    ['upper case', 'sha384', hex('sha384').toUpperCase()],
    ['no kind', '', hex('sha256')],
    ['a line end', 'sha256', `${hex('sha256')}\n`],
  ])('are none of %s', (_what, algorithm, digits) => {
    expect(statedDigest(algorithm, digits)).toBeUndefined();
    expect(() => digestParts(`${algorithm}:${digits}` as Digest)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }));
  });
});

it.each(['sha1', 'md5', 'sha224', 'SHA256', '', 'toString'])('%j is no function that names content', (name) => {
  expect(isContentAlgorithm(name)).toBe(false);
});

describe('digests', () => {
  it('hashes the empty string to the well-known value', () => {
    expect(digestOf(new Uint8Array())).toBe(`sha256:${EMPTY_HEX}`);
    expect(digestHex(digestOf(''))).toBe(EMPTY_HEX);
    expect(digestFromHex(EMPTY_HEX.toUpperCase())).toBe(`sha256:${EMPTY_HEX}`);
  });

  it.each([
    '',
    EMPTY_HEX,
    `sha256:${EMPTY_HEX.toUpperCase()}`,
    `SHA256:${EMPTY_HEX}`,
    `sha256:${EMPTY_HEX}\n`,
    ` sha256:${EMPTY_HEX}`,
    `sha256:${EMPTY_HEX}0`,
    `sha256:${EMPTY_HEX.slice(1)}`,
    `sha1:${'0'.repeat(40)}`,
    `md5:${'0'.repeat(32)}`,
    `sha512:${'0'.repeat(127)}`,
    `sha256-${EMPTY_HEX}`,
  ])('refuses %j', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }));
    expect(() => integrityFromDigest(text as Digest)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }));
  });

  it('says of the digest of a repository that it is another kind', () => {
    expect(() => parseDigest(`sha512:${'0'.repeat(128)}`)).toThrow(/is no SHA-256/);
  });
});

describe('integrity strings', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('accepts %s', (algorithm) => {
    expect(parseIntegrity(sri(algorithm, 'x'))).toBe(sri(algorithm, 'x'));
    expect(integrityOf('x', algorithm)).toBe(sri(algorithm, 'x'));
  });

  it('keeps the order of several', () => {
    expect(parseIntegrity(` ${sri('sha512', 'x')}\n${sri('sha256', 'x')} `)).toBe(`${sri('sha512', 'x')} ${sri('sha256', 'x')}`);
  });

  it.each([
    ['empty', ''],
    ['blank', ' \t\n'],
    ['md5', sri('md5', 'x')],
    ['sha1', sri('sha1', 'x')],
    ['sha224', sri('sha224', 'x')],
    ['sha3-256', `sha3-256-${createHash('sha3-256').update('x').digest('base64')}`],
    ['unknown', `sha999-${'A'.repeat(43)}=`],
    ['upper case', sri('sha256', 'x').toUpperCase()],
    ['good and md5', `${sri('sha256', 'x')} ${sri('md5', 'x')}`],
    ['good and rubbish', `${sri('sha256', 'x')} rubbish`],
    ['short', 'sha256-AAAA'],
    ['length of another algorithm', sri('sha512', 'x').replace('sha512', 'sha256')],
    ['no padding', sri('sha256', 'x').replace('=', '')],
    ['set bits after the end', `sha256-${'A'.repeat(42)}B=`],
    ['options', `${sri('sha256', 'x')}?opt`],
    ['empty options', `${sri('sha256', 'x')}?`],
    ['no digest', 'sha256-'],
    ['prototype', `__proto__-${'A'.repeat(43)}=`],
  ])('refuses %s', (_name, text) => {
    expect(() => parseIntegrity(text)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_SRI' }));
    expect(() => digestFromIntegrity(text)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_SRI' }));
  });

  it('finds no digest among several hashes without exactly one SHA-256', () => {
    for (const text of [`${sri('sha256', 'x')} ${sri('sha256', 'y')}`, `${sri('sha384', 'x')} ${sri('sha512', 'x')}`]) {
      expect(() => digestFromIntegrity(text)).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_NO_SHA256' }));
    }
    expect(digestFromIntegrity(`${sri('sha512', 'x')} ${sri('sha256', 'x')} ${sri('sha256', 'x')}`)).toBe(digestOf('x'));
  });

  it('converts both ways without loss', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(digestFromIntegrity(integrityFromDigest(digestOf(bytes)))).toBe(digestOf(bytes));
        expect(integrityFromDigest(digestOf(bytes))).toBe(integrityOf(bytes));
        for (const algorithm of ['sha384', 'sha512'] as const) {
          expect(integrityFromDigest(digestOf(bytes, algorithm))).toBe(integrityOf(bytes, algorithm));
          expect(digestFromIntegrity(integrityOf(bytes, algorithm))).toBe(digestOf(bytes, algorithm));
        }
      }),
    );
  });

  it('returns or throws its own code for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `sha256-${text}`),
        ),
        (text) => {
          try {
            parseIntegrity(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ICT_INTEGRITY_SRI' });
          }
        },
      ),
    );
  });
});
