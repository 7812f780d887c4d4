/** A number of 64 bits; a negative one is its complement. */
export type Unsigned = number | bigint;

/** Writes 64 bits; a negative number becomes its complement. */
export function writeU64(bytes: Buffer, value: Unsigned, at: number): void {
  if (typeof value === 'bigint' || value < 0) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
  else {
    bytes.writeUInt32LE(value % 2 ** 32, at);
    bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
  }
}

/** By what a tree of a btrfs finds an item. */
export interface BtrfsKey {
  readonly object: Unsigned;
  readonly kind: number;
  readonly offset: Unsigned;
}

export const BTRFS_KEY_BYTES = 17;

/** Writes the key by which an item is found. */
export function writeBtrfsKey(bytes: Buffer, { object, kind, offset }: BtrfsKey, at: number): void {
  writeU64(bytes, object, at);
  bytes.writeUInt8(kind, at + 8);
  writeU64(bytes, offset, at + 9);
}
