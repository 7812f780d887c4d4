import { debError } from '../errors.js';

/** A Debian version taken apart. Every part is kept as text: numbers in versions may be longer than any number type. */
export interface DebVersion {
  /** Digits; `0` when the version has no epoch. */
  readonly epoch: string;
  readonly upstream: string;
  /** Empty when the version has no revision, which compares like `0`. */
  readonly revision: string;
}

/** Operators of a versioned relation; the legacy `<` and `>` mean `<=` and `>=`. */
export type RelationOperator = '<<' | '<=' | '=' | '>=' | '>>';

const HYPHEN = 0x2d;
const TILDE = 0x7e;
/** Stands for the end of a part; no character has this code. */
const END = -1;

const EPOCH = /^0*[0-9]{1,10}$/;
const UPSTREAM = /^[A-Za-z0-9.+~:-]+$/;
const REVISION = /^[A-Za-z0-9.+~]+$/;

/**
 * Takes `[epoch:]upstream[-revision]` apart: the epoch ends at the first colon, the revision begins after the last hyphen.
 *
 * @throws `ICT_DEB_VERSION_INVALID` for what dpkg refuses: an empty part, an epoch that is not a number up to 2^31-1, other characters.
 * @see deb-version(7)
 */
export function parseDebVersion(text: string): DebVersion {
  const parts = split(text);
  const why = problemOf(parts);
  if (why !== undefined) {
    throw debError('ICT_DEB_VERSION_INVALID', {
      message: `"${text}" is not a Debian version: ${why}`,
      hint: 'A version is [epoch:]upstream[-revision], for example 1:2.66-4+deb12u1.',
      facts: { version: text },
    });
  }
  return { epoch: parts.epoch, upstream: parts.upstream, revision: parts.revision ?? '' };
}

/** True when dpkg would accept the text as a version. See {@link parseDebVersion}. */
export function isDebVersion(text: string): boolean {
  return problemOf(split(text)) === undefined;
}

interface Parts {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string | undefined;
}

function split(text: string): Parts {
  const colon = text.indexOf(':');
  const hyphen = text.lastIndexOf('-');
  return {
    epoch: colon < 0 ? '0' : text.slice(0, colon),
    upstream: text.slice(colon + 1, hyphen > colon ? hyphen : undefined),
    revision: hyphen > colon ? text.slice(hyphen + 1) : undefined,
  };
}

function problemOf({ epoch, upstream, revision }: Parts): string | undefined {
  if (!EPOCH.test(epoch) || Number(epoch) > 0x7fff_ffff) {
    return 'its epoch is not a number up to 2147483647';
  }
  if (!UPSTREAM.test(upstream)) return 'its upstream part is empty or has a character that versions cannot have';
  if (revision !== undefined && !REVISION.test(revision)) return 'its revision is empty or has a character that revisions cannot have';
  return undefined;
}

/**
 * Orders two Debian versions as dpkg does: epoch, then upstream part, then revision. In each part, runs of non-digits compare
 * character by character (`~` before the end, the end before letters, letters before all else) and runs of digits by value, at
 * any length. A missing epoch is 0 and a missing revision equals `0`.
 *
 * It never throws: for texts that are not versions it is still a total order, so that one bad line cannot break a sort.
 *
 * @returns negative, zero or positive, ready for `sort`.
 * @see deb-version(7); dpkg's lib/dpkg/version.c
 */
export function compareDebVersions(a: string, b: string): number {
  if (a === b) return 0;
  const colonA = a.indexOf(':');
  const colonB = b.indexOf(':');
  if (colonA > 0 || colonB > 0) {
    const byEpoch = comparePart(a, 0, Math.max(colonA, 0), b, 0, Math.max(colonB, 0));
    if (byEpoch !== 0) return byEpoch;
  }
  const startA = colonA + 1;
  const startB = colonB + 1;
  const hyphenA = revisionStart(a, startA);
  const hyphenB = revisionStart(b, startB);
  return comparePart(a, startA, hyphenA, b, startB, hyphenB) || comparePart(a, hyphenA + 1, a.length, b, hyphenB + 1, b.length);
}

/** Index of the last hyphen at or after `start`, or the length of the text. */
function revisionStart(text: string, start: number): number {
  for (let i = text.length - 1; i >= start; i--) if (text.charCodeAt(i) === HYPHEN) return i;
  return text.length;
}

function comparePart(a: string, startA: number, endA: number, b: string, startB: number, endB: number): number {
  let i = startA;
  let j = startB;
  while (i < endA || j < endB) {
    for (;;) {
      const left = i < endA ? a.charCodeAt(i) : END;
      const right = j < endB ? b.charCodeAt(j) : END;
      if ((left === END || isDigit(left)) && (right === END || isDigit(right))) break;
      const difference = weight(left) - weight(right);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    while (i < endA && a.charCodeAt(i) === 0x30) i++;
    while (j < endB && b.charCodeAt(j) === 0x30) j++;
    let first = 0;
    while (i < endA && j < endB && isDigit(a.charCodeAt(i)) && isDigit(b.charCodeAt(j))) {
      if (first === 0) first = a.charCodeAt(i) - b.charCodeAt(j);
      i++;
      j++;
    }
    if (i < endA && isDigit(a.charCodeAt(i))) return 1;
    if (j < endB && isDigit(b.charCodeAt(j))) return -1;
    if (first !== 0) return first;
  }
  return 0;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Place of a character among non-digits. A digit weighs as much as the end of the part: the run of non-digits ends there. */
function weight(code: number): number {
  if (code === END || isDigit(code)) return 0;
  if (code === TILDE) return -1;
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return code;
  return code + 256;
}

/** True when `version` stands in the relation `operator` to `wanted`: `satisfiesVersion('1.2', '>=', '1.0')`. */
export function satisfiesVersion(version: string, operator: RelationOperator, wanted: string): boolean {
  const order = compareDebVersions(version, wanted);
  switch (operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}
