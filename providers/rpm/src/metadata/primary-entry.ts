/** A dependency as createrepo_c writes it: where its values lie. */
export interface PrimaryEntry {
  nameTo: number;
  /** The two letters of its comparison as one number; 0 for none, and then no version. */
  flags: number;
  epochFrom: number;
  epochTo: number;
  versionFrom: number;
  versionTo: number;
  /** 0 for none. */
  releaseFrom: number;
  releaseTo: number;
}

const NAME = Buffer.from('<rpm:entry name="');
const FLAGS = Buffer.from(' flags="');
const EPOCH = Buffer.from(' epoch="');
const VERSION = Buffer.from(' ver="');
const RELEASE = Buffer.from(' rel="');

/** Bytes from the start of a tag to the name. */
export const NAME_AT = NAME.length;

const QUOTE = 0x22;
const AMPERSAND = 0x26;
const SLASH = 0x2f;
const LT = 0x3c;
const GT = 0x3e;
const SPACE = 0x20;

/**
 * Reads the tag of a dependency that is written just as createrepo_c writes it, as nearly all are: they make up most of a repository's
 * metadata. Values have no white space, entities and `<`, and are not empty.
 *
 * @param entry gets what was read.
 * @returns where the tag ends; -1 for whatever is written otherwise, or not there yet: that is for the reader of XML.
 */
export function readPrimaryEntry(data: Buffer, start: number, entry: PrimaryEntry): number {
  if (!isAt(NAME, data, start)) return -1;
  let at = valueEnd(data, start + NAME.length);
  if (at < 0) return -1;
  entry.nameTo = at++;
  entry.flags = 0;
  if (data[at] !== SLASH) {
    if (!isAt(FLAGS, data, at) || data[at + FLAGS.length + 2] !== QUOTE) return -1;
    entry.flags = (data[at + FLAGS.length]! << 8) | data[at + FLAGS.length + 1]!;
    at += FLAGS.length + 3;
    if (!isAt(EPOCH, data, at)) return -1;
    entry.epochFrom = at + EPOCH.length;
    at = valueEnd(data, entry.epochFrom);
    if (at < 0) return -1;
    entry.epochTo = at++;
    if (!isAt(VERSION, data, at)) return -1;
    entry.versionFrom = at + VERSION.length;
    at = valueEnd(data, entry.versionFrom);
    if (at < 0) return -1;
    entry.versionTo = at++;
    entry.releaseFrom = entry.releaseTo = 0;
    if (data[at] !== SLASH) {
      if (!isAt(RELEASE, data, at)) return -1;
      entry.releaseFrom = at + RELEASE.length;
      at = valueEnd(data, entry.releaseFrom);
      if (at < 0) return -1;
      entry.releaseTo = at++;
    }
  }
  return data[at] === SLASH && data[at + 1] === GT ? at + 2 : -1;
}

function isAt(expected: Buffer, data: Buffer, from: number): boolean {
  if (from + expected.length > data.length) return false;
  for (let at = 0; at < expected.length; at++) if (expected[at] !== data[from + at]) return false;
  return true;
}

/** @returns the place of the quote that ends a value; -1 when there is none, or the value is empty or not plain. */
function valueEnd(data: Buffer, from: number): number {
  const { length } = data;
  for (let at = from; at < length; at++) {
    const code = data[at]!;
    if (code === QUOTE) return at === from ? -1 : at;
    if (code <= SPACE || code === AMPERSAND || code === LT) return -1;
  }
  return -1;
}
