import { hash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { ContentAlgorithm, Digest, Integrity } from '@ict/plugin-api';
import type * as Ssri from 'ssri';
import { integrityError } from './errors.js';

/** Hash functions that an integrity string may use. Anything older (md5, sha1) proves nothing and is refused. */
export type IntegrityAlgorithm = ContentAlgorithm;

const LENGTH_BYTES: Readonly<Record<IntegrityAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };
const SHA256_DIGEST = /^sha256:[0-9a-f]{64}$/;
const ANY_DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;

/** True for the name of a hash function that says what content is. */
export function isContentAlgorithm(name: string): name is ContentAlgorithm {
  return Object.hasOwn(LENGTH_BYTES, name);
}

/** SHA-256 of the bytes, as `sha256:<hex>`, or another digest. Text is hashed as UTF-8. */
export function digestOf(bytes: Uint8Array | string, algorithm: ContentAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}` as Digest;
}

/** Integrity string of the bytes, `<algorithm>-<base64>`. Text is hashed as UTF-8. */
export function integrityOf(bytes: Uint8Array | string, algorithm: IntegrityAlgorithm = 'sha256'): Integrity {
  return `${algorithm}-${hash(algorithm, bytes, 'base64')}` as Integrity;
}

/** True for `sha256:` and 64 lower-case hex digits, the form of every {@link Digest} that is made here. */
export function isSha256Digest(text: string): text is Digest {
  return SHA256_DIGEST.test(text);
}

/** True also for `sha384:` and `sha512:` with as many digits as these have: forms of a {@link Digest} that a repository states. */
export function isAnyDigest(text: string): text is Digest {
  return ANY_DIGEST.test(text);
}

/** The hash function of a digest. @throws `ICT_INTEGRITY_DIGEST` when the text is not a digest after all. */
export function digestAlgorithm(digest: Digest): ContentAlgorithm {
  return digestParts(digest).algorithm;
}

/** The hash function of a digest, and its lower-case hexadecimal digits. @throws `ICT_INTEGRITY_DIGEST` when the text is not a digest after all. */
export function digestParts(digest: Digest): { readonly algorithm: ContentAlgorithm; readonly hex: string } {
  if (!isAnyDigest(digest)) parseDigest(digest);
  const [algorithm, hex] = digest.split(':') as [ContentAlgorithm, string];
  return { algorithm, hex };
}

/** Whether `bytes[from..to)` are the bare digits of a digest of this kind, in lower case. */
export function isStatedHex(algorithm: ContentAlgorithm, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== 2 * LENGTH_BYTES[algorithm]) return false;
  for (let at = from; at < to; at++) {
    const code = bytes[at];
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}

/**
 * Digest of a kind from its bare digits, as rpm's indexes write it.
 *
 * @returns undefined for any other kind, and for what is not lower-case hex of its length.
 */
export function statedDigest(algorithm: string, hex: string): Digest | undefined {
  const text = `${algorithm}:${hex}`;
  return isAnyDigest(text) ? text : undefined;
}

/**
 * Reads a digest as image formats and lock files write it.
 *
 * @throws `ICT_INTEGRITY_DIGEST` for anything but `sha256:` and 64 lower-case hex digits.
 */
export function parseDigest(text: string): Digest {
  if (isSha256Digest(text)) return text;
  throw integrityError('ICT_INTEGRITY_DIGEST', {
    message: isAnyDigest(text)
      ? `"${abbreviate(text)}" is no SHA-256, by which content is named here`
      : `"${abbreviate(text)}" is not a digest`,
    hint: 'Write sha256: and 64 lower-case hexadecimal digits.',
    facts: { text: abbreviate(text) },
  });
}

/**
 * Digest from a bare SHA-256 in hexadecimal, as Debian and rpm indexes write it. Upper case is folded.
 *
 * @throws `ICT_INTEGRITY_DIGEST` when it is not 64 hex digits.
 */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex.toLowerCase()}`);
}

/**
 * Bare lower-case hexadecimal digits of a digest, without `sha256:`.
 *
 * @throws `ICT_INTEGRITY_DIGEST` when the text is not a digest after all.
 */
export function digestHex(digest: Digest): string {
  return parseDigest(digest).slice('sha256:'.length);
}

/**
 * Reads a Subresource Integrity string: one or more `<algorithm>-<base64>` separated by spaces, in the order given.
 *
 * ssri drops what it does not know and takes md5, so each token is checked again here: the algorithm is sha256, sha384 or
 * sha512, the base64 is canonical and has exactly the algorithm's length, and there are no `?options`.
 *
 * @throws `ICT_INTEGRITY_SRI` when there is no token or any token is bad.
 * @see https://www.w3.org/TR/SRI/#the-integrity-attribute
 */
export function parseIntegrity(text: string): Integrity {
  return hashesOf(text)
    .map(({ algorithm, base64 }) => `${algorithm}-${base64}`)
    .join(' ') as Integrity;
}

/** The same digest as an integrity string. @throws `ICT_INTEGRITY_DIGEST` */
export function integrityFromDigest(digest: Digest): Integrity {
  const { algorithm, hex } = digestParts(digest);
  return `${algorithm}-${Buffer.from(hex, 'hex').toString('base64')}` as Integrity;
}

/**
 * An integrity string as a digest: its SHA-256, or its only hash.
 *
 * @throws `ICT_INTEGRITY_SRI` as {@link parseIntegrity} does; `ICT_INTEGRITY_NO_SHA256` when it carries several hashes and not exactly
 *   one SHA-256 among them.
 */
export function digestFromIntegrity(integrity: string): Digest {
  const hashes = hashesOf(integrity);
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return `${only.algorithm}:${Buffer.from(only.base64, 'base64').toString('hex')}` as Digest;
  const found = new Set(hashes.flatMap(({ algorithm, base64 }) => (algorithm === 'sha256' ? [base64] : [])));
  const [base64] = found;
  if (found.size !== 1 || base64 === undefined) {
    throw integrityError('ICT_INTEGRITY_NO_SHA256', {
      message: `The integrity string "${abbreviate(integrity)}" carries ${found.size === 0 ? 'no' : 'more than one'} SHA-256`,
      hint: 'Digests are SHA-256: give exactly one sha256- entry.',
      facts: { integrity: abbreviate(integrity) },
    });
  }
  return `sha256:${Buffer.from(base64, 'base64').toString('hex')}` as Digest;
}

let loaded: typeof Ssri | undefined;

/** The library, which brings streams of its own, loaded with the first string that is read: most commands read none. */
function ssri(): typeof Ssri {
  return (loaded ??= createRequire(import.meta.url)('ssri') as typeof Ssri);
}

function hashesOf(text: string): { algorithm: IntegrityAlgorithm; base64: string }[] {
  const tokens = text.split(/[ \t\r\n]+/).filter((token) => token !== '');
  if (tokens.length === 0) throw badSri(text, 'it is empty');
  return tokens.map((token) => {
    const [hash, ...more] = Object.values(ssri().parse(token, { strict: true }) ?? {}).flat();
    if (hash === undefined || more.length > 0)
      throw badSri(text, `"${abbreviate(token)}" is not <algorithm>-<base64> with an accepted algorithm`);
    const { algorithm, digest: base64, options } = hash;
    if (!isContentAlgorithm(algorithm)) throw badSri(text, `the algorithm ${algorithm} is not accepted`);
    if (options.length > 0 || token.includes('?')) throw badSri(text, 'options are not accepted');
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length !== LENGTH_BYTES[algorithm] || bytes.toString('base64') !== base64) {
      throw badSri(text, `"${abbreviate(token)}" is not ${LENGTH_BYTES[algorithm]} bytes in canonical base64`);
    }
    return { algorithm, base64 };
  });
}

function badSri(text: string, reason: string): Error {
  return integrityError('ICT_INTEGRITY_SRI', {
    message: `"${abbreviate(text)}" is not an accepted integrity string: ${reason}`,
    hint: 'Use sha256-, sha384- or sha512- followed by base64.',
    facts: { integrity: abbreviate(text) },
  });
}

function abbreviate(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
