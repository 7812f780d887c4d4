const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/**
 * CRC-32C (Castagnoli) as ext4 uses it: started with all ones and not inverted at the end, so that it can be continued.
 *
 * @param seed the value so far.
 * @returns an unsigned 32-bit number.
 */
export function crc32c(bytes: Uint8Array, seed = 0xffff_ffff): number {
  let value = seed;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] as number);
  return value >>> 0;
}
