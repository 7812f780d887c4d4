import { createHash } from 'node:crypto';

/**
 * A UUID that follows from a seed (such as a lock's digest) and a name (such as `partition/root`), so that two builds of one
 * lock write the same one.
 *
 * It is version 8 of RFC 9562, made as its appendix B.2 shows: the first 128 bits of
 * `sha256("ict-uuid/v1\0" + uint32be(length of seed) + seed + name)`, with version and variant set. Text is UTF-8.
 *
 * @returns lower case, `xxxxxxxx-xxxx-8xxx-[89ab]xxx-xxxxxxxxxxxx`.
 */
export function uuidFrom(seed: string | Uint8Array, name: string): string {
  const seedBytes = typeof seed === 'string' ? Buffer.from(seed) : seed;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(seedBytes.length);
  const bytes = createHash('sha256').update('ict-uuid/v1\0').update(length).update(seedBytes).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
