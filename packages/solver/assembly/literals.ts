/** Literals are `2 * solvable` (taken) and `2 * solvable + 1` (not taken). */
export function taken(solvable: u32): u32 {
  return solvable << 1;
}

/** See {@link taken}. */
export function notTaken(solvable: u32): u32 {
  return (solvable << 1) + 1;
}
