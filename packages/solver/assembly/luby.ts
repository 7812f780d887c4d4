/** The Luby sequence 1 1 2 1 1 2 4 ..., from 1: near-optimal waiting times when nothing is known (Luby et al., 1993). */
export function luby(index: u32): u32 {
  let size: u32 = 1;
  while (size < index + 1) size <<= 1;
  let at = index;
  while (size - 1 !== at) {
    size >>= 1;
    if (at >= size) at -= size - 1;
  }
  return size >> 1;
}
