import { decodeName, malformedTar } from './tar-header.js';

/** One `key=value` of a pax extended header. Values are bytes: extended attributes need not be text. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
}

/** Keys under which star, GNU tar and libarchive store extended attributes, byte for byte. */
export const XATTR_PREFIX = 'SCHILY.xattr.';

/**
 * Reads the records `<length> <key>=<value>\n` of an extended header.
 *
 * @throws `ICT_ARCHIVE_TAR_HEADER` when a record does not have that form.
 * @see POSIX pax(1), "pax Extended Header"
 */
export function parsePaxRecords(bytes: Buffer, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 || space - at > 10 ? '' : bytes.toString('latin1', at, space);
    if (!/^[1-9]\d*$/.test(digits)) throw malformedTar(offset, 'an extended header record has no length');
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    if (end > bytes.length || equals === -1 || equals >= end - 1 || equals === space + 1 || bytes[end - 1] !== 0x0a) {
      throw malformedTar(offset, 'an extended header record is not "length key=value"');
    }
    records.push({ key: decodeName(bytes.subarray(space + 1, equals), offset), value: bytes.subarray(equals + 1, end - 1) });
    at = end;
  }
  return records;
}

/** The bytes of one record, its length counted over itself. */
export function encodePaxRecord(key: string, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A decimal number that is not negative. */
export function paxSize(record: PaxRecord, offset: number): number {
  const text = record.value.toString('latin1', 0, 32);
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw malformedTar(offset, `${record.key} of an extended header is not a number`);
  return value;
}

/** A time in decimal seconds, rounded down to whole ones. */
export function paxSeconds(record: PaxRecord, offset: number): number {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(record.value.toString('latin1', 0, 64));
  if (match === null) throw malformedTar(offset, `${record.key} of an extended header is not a time`);
  const [, sign, whole, fraction = ''] = match;
  if (sign !== '-') return Number(whole);
  const seconds = Number(whole) + (/[1-9]/.test(fraction) ? 1 : 0);
  return seconds === 0 ? 0 : -seconds;
}
