const POLYNOMIAL = 0x82f63b78;
/** Bytes that are taken in at a time. */
const STRIDE = 8;

/** One table of 256 for each byte of a stride: that of the last byte first. */
const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(STRIDE * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    tables[byte] = value;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] as number;
    tables[index] = (before >>> 8) ^ (tables[before & 0xff] as number);
  }
  return tables;
}

/**
 * CRC-32C (Castagnoli) as ext4 uses it: started with all ones and not inverted at the end, so that it can be continued.
 *
 * @param seed the value so far.
 * @param start of the bytes that count; to `end`, which is not among them.
 * @returns an unsigned 32-bit number.
 */
export function crc32c(bytes: Uint8Array, seed = 0xffff_ffff, start = 0, end = bytes.length): number {
  const table = (place: number, byte: number): number => TABLES[place * 256 + (byte & 0xff)] as number;
  const at = (index: number): number => bytes[index] as number;
  let value = seed;
  let index = start;
  for (; index + STRIDE <= end; index += STRIDE) {
    value ^= at(index) | (at(index + 1) << 8) | (at(index + 2) << 16) | (at(index + 3) << 24);
    value =
      table(7, value) ^
      table(6, value >>> 8) ^
      table(5, value >>> 16) ^
      table(4, value >>> 24) ^
      table(3, at(index + 4)) ^
      table(2, at(index + 5)) ^
      table(1, at(index + 6)) ^
      table(0, at(index + 7));
  }
  for (; index < end; index++) value = (value >>> 8) ^ table(0, value ^ at(index));
  return value >>> 0;
}

/** The same of the four bytes of a little-endian number. */
export function crc32cOfNumber(number: number, seed: number): number {
  let value = seed ^ number;
  for (let byte = 0; byte < 4; byte++) value = (value >>> 8) ^ (TABLES[value & 0xff] as number);
  return value >>> 0;
}
