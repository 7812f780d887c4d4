/** FNV-1a (32 bits) of `bytes[from..to)`. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash >>> 0;
}

/** True when two runs of `length` bytes are equal. */
export function equalBytes(a: Uint8Array, fromA: number, b: Uint8Array, fromB: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (a[fromA + at] !== b[fromB + at]) return false;
  return true;
}

/** Size of a hash table for so many keys: a power of two, at most half full. */
export function tableSize(keys: number): number {
  let size = 16;
  while (size < 2 * keys) size *= 2;
  return size;
}
