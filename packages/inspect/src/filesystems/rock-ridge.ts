import { nameText } from './filesystem-over.js';

/** What Rock Ridge adds to a record of ISO 9660. */
export interface RockRidge {
  /** Absent where the record has no other name. */
  readonly name?: string;
  readonly mode?: number;
  readonly owner?: number;
  readonly group?: number;
  readonly target?: string;
  readonly device?: readonly [major: number, minor: number];
  readonly seconds?: number;
  /** The record stands for a directory that lies elsewhere, as it would be too deep here. */
  readonly isElsewhere?: true;
}

/** Where further fields lie. */
export interface Continuation {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
}

/** Fields lie in no more places than this. */
const MOST_CONTINUATIONS = 64;
const CONTINUES = 1;
/** Components of a target that are no text. */
const SPECIAL: ReadonlyMap<number, Buffer> = new Map([
  [2, Buffer.from('.')],
  [4, Buffer.from('..')],
  [8, Buffer.alloc(0)],
]);
const SLASH = Buffer.from('/');
const MODIFIED = 2;
const LONG_TIMES = 0x80;

type Field = readonly [name: string, bytes: Buffer];

/** Whether the first record of the root says that records have such fields, and how many bytes of others stand before them. */
export function rockRidgeSkip(use: Buffer): number | undefined {
  return use.length >= 7 && use.toString('latin1', 0, 2) === 'SP' && use.readUInt16BE(4) === 0xbeef ? use.readUInt8(6) : undefined;
}

/**
 * Reads the fields of a record.
 *
 * @param read gives the bytes of a continuation.
 * @throws RangeError where they are damaged.
 * @see IEEE P1281 (SUSP) and P1282 (Rock Ridge)
 */
export async function readRockRidge(use: Buffer, read: (where: Continuation) => Promise<Buffer>): Promise<RockRidge> {
  const fields: Field[] = [];
  let next: Buffer | undefined = use;
  for (let places = 0; next !== undefined; places++) {
    if (places > MOST_CONTINUATIONS) throw new RangeError('fields of Rock Ridge run in a circle');
    const found: readonly Field[] = [...fieldsIn(next)];
    fields.push(...found);
    const [, where] = found.findLast(([name]) => name === 'CE') ?? [];
    next =
      where === undefined
        ? undefined
        : await read({ block: where.readUInt32LE(4), offset: where.readUInt32LE(12), length: where.readUInt32LE(20) });
  }
  const first = (wanted: string): Buffer | undefined => fields.find(([name]) => name === wanted)?.[1];
  const all = (wanted: string): readonly Buffer[] => fields.flatMap(([name, field]) => (name === wanted ? [field] : []));
  const [attributes, device, times, names, targets] = [first('PX'), first('PN'), first('TF'), all('NM'), all('SL')];
  const seconds = times === undefined ? undefined : modificationOf(times);
  return {
    ...(names.length === 0 ? {} : { name: nameText(Buffer.concat(names.map((field) => field.subarray(5)))) }),
    ...(attributes === undefined
      ? {}
      : { mode: attributes.readUInt32LE(4), owner: attributes.readUInt32LE(20), group: attributes.readUInt32LE(28) }),
    ...(targets.length === 0 ? {} : { target: targetOf(targets) }),
    ...(device === undefined ? {} : { device: deviceIn(device) }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(first('CL') === undefined ? {} : { isElsewhere: true }),
  };
}

function* fieldsIn(use: Buffer): Generator<Field, void, undefined> {
  for (let at = 0; at + 4 <= use.length; ) {
    const [name, length] = [use.toString('latin1', at, at + 2), use.readUInt8(at + 2)];
    if (name === 'ST' || length < 4) return;
    yield [name, use.subarray(at, at + length)];
    at += length;
  }
}

function targetOf(fields: readonly Buffer[]): string {
  const parts: Buffer[] = [];
  let goesOn = false;
  for (const field of fields) {
    for (let at = 5; at + 2 <= field.length; ) {
      const [flags, length] = [field.readUInt8(at), field.readUInt8(at + 1)];
      const part = SPECIAL.get(flags & ~CONTINUES) ?? field.subarray(at + 2, at + 2 + length);
      if (!goesOn && parts.length > 0) parts.push(SLASH);
      parts.push(part);
      goesOn = (flags & CONTINUES) !== 0;
      at += 2 + length;
    }
  }
  return nameText(Buffer.concat(parts)) || '/';
}

/** Some writers put both numbers into the second. */
function deviceIn(field: Buffer): readonly [major: number, minor: number] {
  const [high, low] = [field.readUInt32LE(4), field.readUInt32LE(12)];
  return high === 0 && low > 0xff ? [low >>> 8, low & 0xff] : [high, low];
}

function modificationOf(field: Buffer): number | undefined {
  const flags = field.readUInt8(4);
  if ((flags & MODIFIED) === 0 || (flags & LONG_TIMES) !== 0) return undefined;
  return shortTime(field.subarray(5 + 7 * (flags & 1)));
}

/** Seconds since 1970. @see ECMA-119, 9.1.5 */
export function shortTime(bytes: Buffer): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes;
  return Date.UTC(1900 + year, month - 1, day, hour, minute, second) / 1000 - bytes.readInt8(6) * 15 * 60;
}
