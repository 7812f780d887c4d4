/** What names of files and of attributes are found by. @see xfs_da_hashname in fs/xfs/libxfs/xfs_da_btree.c of the kernel */
export function nameHash(name: Buffer): number {
  let hash = 0;
  const whole = name.length - (name.length % 4);
  for (let at = 0; at < whole; at += 4) hash = fold(name, at, 4) ^ rotate(hash, 28);
  const rest = name.length - whole;
  return (rest === 0 ? hash : fold(name, whole, rest) ^ rotate(hash, 7 * rest)) >>> 0;
}

/** Each byte moved by seven bits more than the one behind it. */
function fold(name: Buffer, at: number, count: number): number {
  let bits = 0;
  for (let index = 0; index < count; index++) bits ^= (name[at + index] as number) << (7 * (count - 1 - index));
  return bits;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
