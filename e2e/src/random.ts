/** A pseudo-random stream in [0, 1) that is a function of its seed: the minimal standard generator of Park and Miller. */
export function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
