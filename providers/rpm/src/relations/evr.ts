import { compareText } from '@ict/integrity';
import { hasCode } from '@ict/plugin-api';
import { rpmError } from '../errors.js';

/** Epoch, version and release of a package, or of one side of a relation. */
export interface Evr {
  /** Absent and 0 are the same. */
  readonly epoch: number;
  readonly version: string;
  /** Undefined in a relation that leaves it out: then every release matches. */
  readonly release: string | undefined;
}

const MAX_EPOCH = 0xffff_ffff;
const ZERO = 0x30;
const NINE = 0x39;
const TILDE = 0x7e;
const CARET = 0x5e;

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;
const isAlpha = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
const isSeparator = (code: number): boolean => !isDigit(code) && !isAlpha(code) && code !== TILDE && code !== CARET;

/**
 * Orders two versions or two releases as rpm does: segments of digits and of letters, whatever separates them.
 *
 * Digits compare as numbers of any length and beat letters; letters compare byte by byte. `~` sorts before everything, even the end;
 * `^` after the end, before any further segment. The order is rpm's, so equal does not mean identical: `1.0` and `1_0` are equal.
 *
 * @returns -1, 0 or 1.
 * @see rpm's rpmvercmp.at
 */
export function rpmvercmp(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (i < a.length && isSeparator(a.charCodeAt(i))) i++;
    while (j < b.length && isSeparator(b.charCodeAt(j))) j++;
    const x = i < a.length ? a.charCodeAt(i) : 0;
    const y = j < b.length ? b.charCodeAt(j) : 0;
    if (x === TILDE || y === TILDE) {
      if (x !== TILDE) return 1;
      if (y !== TILDE) return -1;
      i++;
      j++;
      continue;
    }
    if (x === CARET || y === CARET) {
      if (x === 0) return -1;
      if (y === 0) return 1;
      if (x !== CARET) return 1;
      if (y !== CARET) return -1;
      i++;
      j++;
      continue;
    }
    if (x === 0 || y === 0) break;
    const numeric = isDigit(x);
    const belongs = numeric ? isDigit : isAlpha;
    const endA = segmentEnd(a, i, belongs);
    const endB = segmentEnd(b, j, belongs);
    // The other side starts with a segment of the other kind: digits win.
    if (endB === j) return numeric ? 1 : -1;
    const order = numeric ? compareDigits(a.slice(i, endA), b.slice(j, endB)) : compareText(a.slice(i, endA), b.slice(j, endB));
    if (order !== 0) return order;
    i = endA;
    j = endB;
  }
  if (i >= a.length && j >= b.length) return 0;
  return i < a.length ? 1 : -1;
}

function segmentEnd(text: string, start: number, belongs: (code: number) => boolean): number {
  let end = start;
  while (end < text.length && belongs(text.charCodeAt(end))) end++;
  return end;
}

function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  return x.length === y.length ? compareText(x, y) : x.length < y.length ? -1 : 1;
}

/**
 * Orders two EVRs as rpm does: epoch, version, release. When either side has no release, only epoch and version count.
 *
 * @returns -1, 0 or 1.
 */
export function compareEvr(a: Evr, b: Evr): number {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  const version = rpmvercmp(a.version, b.version);
  if (version !== 0 || a.release === undefined || b.release === undefined) return version;
  return rpmvercmp(a.release, b.release);
}

/**
 * Reads `[epoch:]version[-release]`. The release is what follows the last `-`.
 *
 * @throws `ICT_RPM_VERSION_INVALID` for an empty version, or an epoch that is no number below 2^32.
 */
export function parseEvr(text: string): Evr {
  const match = /^(?:(\d*):)?([^-:\s]+?)(?:-([^-:\s]+))?$/.exec(text);
  const epoch = match?.[1] === undefined || match[1] === '' ? 0 : Number(match[1]);
  if (match === null || epoch > MAX_EPOCH) {
    throw rpmError('ICT_RPM_VERSION_INVALID', {
      message: `"${text}" is no version of an rpm package`,
      hint: 'Write [epoch:]version[-release], such as 1:2.4.57-6.el9.',
      facts: { version: text },
    });
  }
  return { epoch, version: match[2]!, release: match[3] };
}

/** `[epoch:]version[-release]`; an epoch of 0 is left out, as rpm and dnf do in names. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === 0 ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
}

/** Orders two versions as they are written. Never throws: what is no version comes before all others, by its text. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [tryParse(a), tryParse(b)];
  if (x === undefined || y === undefined) return x === y ? compareText(a, b) : x === undefined ? -1 : 1;
  return compareEvr(x, y);
}

function tryParse(text: string): Evr | undefined {
  try {
    return parseEvr(text);
  } catch (error) {
    if (hasCode(error, 'ICT_RPM_VERSION_INVALID')) return undefined;
    throw error;
  }
}
