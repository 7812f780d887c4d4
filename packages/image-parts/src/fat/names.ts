import { MAX_NAME_UNITS, DIRECTORY_ENTRY_BYTES, LONG_NAME_ATTRIBUTE } from './directory-entry.js';

/** Bytes of a short name: eight before the dot, three behind it, filled up with spaces. */
const SHORT_BASE = 8;
const SHORT_EXTENSION = 3;
const SHORT = /^([A-Z0-9!#$%&'()@^_`{}~-]{1,8})(?:\.([A-Z0-9!#$%&'()@^_`{}~-]{1,3}))?$/u;
/** UTF-16 units that one entry holds of a long name, and where they lie in it. */
const UNITS_OF_AN_ENTRY = 13;
const UNIT_OFFSETS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
export const LAST_LONG_ENTRY = 0x40;

/** Why FAT cannot hold a name; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- FAT allows no control characters
  if (/[\u0000-\u001f"*/:<>?\\|]/u.test(name)) return 'has a character that FAT does not allow';
  if (/[. ]$/u.test(name)) return 'has a name that ends with a dot or a space';
  return name.length > MAX_NAME_UNITS ? `has a name of more than ${MAX_NAME_UNITS} characters` : undefined;
}

/** True for a name that needs no long one beside it. */
export function isShort(name: string): boolean {
  return SHORT.test(name);
}

/** Entries of a directory that a name takes. */
export function entriesOf(name: string): number {
  return isShort(name) ? 1 : 1 + Math.ceil(name.length / UNITS_OF_AN_ENTRY);
}

/**
 * Gives the names of one directory their short ones, 11 bytes each: those that are short but for small letters their own, so that nothing
 * else is found by them, the others one with a number in the order in which they stand.
 *
 * @param names no two of which differ only in case.
 *
 * @see Microsoft, FAT: General Overview of On-Disk Format, "The Basis-Name Generation Algorithm"
 */
export function shortNames(names: readonly string[]): ReadonlyMap<string, Buffer> {
  const short = new Map<string, Buffer>();
  const taken = new Set<string>();
  for (const name of names) {
    const [, base, extension = ''] = SHORT.exec(name.replaceAll(/[a-z]/gu, (letter) => letter.toUpperCase())) ?? [];
    if (base === undefined) continue;
    short.set(name, encodeShort(base, extension));
    taken.add(`${base}.${extension}`);
  }
  const numbers = new Map<string, number>();
  for (const name of names) {
    if (short.has(name)) continue;
    const dot = name.lastIndexOf('.');
    const base = basis(dot > 0 ? name.slice(0, dot) : name);
    const extension = dot > 0 ? basis(name.slice(dot + 1)).slice(0, SHORT_EXTENSION) : '';
    const alike = `${base.slice(0, SHORT_BASE)}.${extension}`;
    for (let number = (numbers.get(alike) ?? 0) + 1; ; number++) {
      const tail = `~${number}`;
      const candidate = base.slice(0, SHORT_BASE - tail.length) + tail;
      if (taken.has(`${candidate}.${extension}`)) continue;
      taken.add(`${candidate}.${extension}`);
      numbers.set(alike, number);
      short.set(name, encodeShort(candidate, extension));
      break;
    }
  }
  return short;
}

function basis(text: string): string {
  return text
    .toUpperCase()
    .replaceAll(/[. ]/gu, '')
    .replaceAll(/[^A-Z0-9!#$%&'()@^_`{}~-]/gu, '_');
}

function encodeShort(base: string, extension: string): Buffer {
  return Buffer.from(base.padEnd(SHORT_BASE) + extension.padEnd(SHORT_EXTENSION), 'latin1');
}

/** The entries of a long name, which stand in front of that of its short name. */
export function encodeLongName(name: string, short: Buffer): Buffer {
  const count = entriesOf(name) - 1;
  const entries = Buffer.alloc(count * DIRECTORY_ENTRY_BYTES);
  const sum = short.reduce((total, byte) => ((((total & 1) << 7) | (total >> 1)) + byte) & 0xff, 0);
  for (let number = 1; number <= count; number++) {
    // The last part comes first.
    const entry = entries.subarray((count - number) * DIRECTORY_ENTRY_BYTES, (count - number + 1) * DIRECTORY_ENTRY_BYTES);
    entry.writeUInt8(number === count ? number | LAST_LONG_ENTRY : number, 0);
    entry.writeUInt8(LONG_NAME_ATTRIBUTE, 11);
    entry.writeUInt8(sum, 13);
    UNIT_OFFSETS.forEach((offset, index) => {
      const at = (number - 1) * UNITS_OF_AN_ENTRY + index;
      // Behind the name stands one zero, and then ones.
      entry.writeUInt16LE(at < name.length ? name.charCodeAt(at) : at === name.length ? 0 : 0xffff, offset);
    });
  }
  return entries;
}

/** What an entry of a long name has of it; the last entry, which comes first, is filled up behind a zero. */
export function decodeLongName(entry: Buffer): string {
  return String.fromCharCode(...UNIT_OFFSETS.map((offset) => entry.readUInt16LE(offset)));
}
