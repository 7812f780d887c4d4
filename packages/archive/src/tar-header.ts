import { archiveError } from './errors.js';

/** Everything in tar comes in blocks of this many bytes. */
export const BLOCK_BYTES = 512;

/** The largest id of a user or a group; to chown(2) the one above it means "leave it". */
export const MAX_OWNER = 0xffff_fffe;

/** The fields of one header block, not yet interpreted. */
export interface RawHeader {
  readonly block: Buffer;
  readonly typeflag: string;
  readonly format: 'v7' | 'ustar' | 'gnu';
  readonly sizeBytes: number;
}

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

/** True for the block that ends an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZERO_BLOCK);
}

/**
 * Checks a header block and reads what is needed to go on.
 *
 * @throws `ICT_ARCHIVE_TAR_HEADER` when the checksum or the size is wrong.
 * @see POSIX pax(1), "ustar Interchange Format"; GNU tar, "Basic Tar Format"
 */
export function readRawHeader(block: Buffer, offset: number): RawHeader {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  // Some historic writers added the bytes as signed characters.
  const expected = octal(block, 148, 8, offset);
  if (expected !== unsigned && expected !== signed)
    throw malformedTar(offset, 'the checksum of a header is wrong, or this is not a tar archive');
  const magic = block.toString('latin1', 257, 265);
  const format = magic === 'ustar  \0' ? 'gnu' : magic.startsWith('ustar\0') ? 'ustar' : 'v7';
  return { block, format, typeflag: String.fromCharCode(block[156] ?? 0), sizeBytes: size(block, 124, 12, offset) };
}

/** A number that may not be negative: octal text, or base 256 when the first bit is set. */
export function size(block: Buffer, at: number, length: number, offset: number): number {
  const value = number(block, at, length, offset);
  if (value < 0) throw malformedTar(offset, 'a number is negative where it must not be');
  return value;
}

/**
 * A number: octal text ended by NUL or space, or GNU's base 256 (two's complement) when the first bit is set. An empty field is 0.
 *
 * @throws `ICT_ARCHIVE_TAR_HEADER` for other text or for what a double cannot hold exactly.
 */
export function number(block: Buffer, at: number, length: number, offset: number): number {
  const first = block[at] ?? 0;
  if (first < 0x80) return octal(block, at, length, offset);
  let value = first === 0xff ? -1n : BigInt(first & 0x7f);
  if (first !== 0xff && first !== 0x80) throw malformedTar(offset, 'a number is too large');
  for (let index = at + 1; index < at + length; index++) value = (value << 8n) | BigInt(block[index] ?? 0);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
    throw malformedTar(offset, 'a number is too large');
  return Number(value);
}

/** The bytes of a text field up to its NUL. */
export function field(block: Buffer, at: number, length: number): Buffer {
  const end = block.indexOf(0, at);
  return block.subarray(at, end === -1 || end > at + length ? at + length : end);
}

/**
 * Text of a name. Names must be UTF-8: a path that cannot be written back byte for byte is refused.
 *
 * @throws `ICT_ARCHIVE_TAR_NAME`
 */
export function decodeName(bytes: Buffer, offset: number): string {
  const text = bytes.toString('utf8');
  if (text.includes('\0')) throw badName(text, offset, 'has a NUL character');
  if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) throw badName(text, offset, 'is not UTF-8');
  return text;
}

export function malformedTar(offset: number, reason: string): Error {
  return archiveError('ICT_ARCHIVE_TAR_HEADER', {
    message: `The tar archive is malformed at byte ${offset}: ${reason}`,
    hint: 'The file may be damaged or something else: fetch it again.',
    facts: { offset, reason },
  });
}

function octal(block: Buffer, at: number, length: number, offset: number): number {
  const end = at + length;
  let index = at;
  while (index < end && block[index] === 0x20) index++;
  let value = 0;
  for (; index < end; index++) {
    const byte = block[index] ?? 0;
    if (byte < 0x30 || byte > 0x37) break;
    value = value * 8 + (byte - 0x30);
  }
  for (; index < end; index++) {
    const byte = block[index] ?? 0;
    if (byte !== 0 && byte !== 0x20) throw malformedTar(offset, 'a number is not octal');
  }
  if (!Number.isSafeInteger(value)) throw malformedTar(offset, 'a number is too large');
  return value;
}

function badName(text: string, offset: number, reason: string): Error {
  const shown = JSON.stringify(text.slice(0, 200));
  return archiveError('ICT_ARCHIVE_TAR_NAME', {
    message: `The name ${shown} in the tar archive ${reason} (at byte ${offset})`,
    hint: 'Names in archives must be UTF-8; pack the archive anew with proper names.',
    facts: { offset, name: text.slice(0, 200) },
  });
}
