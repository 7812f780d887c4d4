import { editDistance } from '@ict/package-index';

/** Longer words are not compared: nobody mistypes them, and the cost grows with the square. */
const LONGEST = 64;

/** More candidates are not compared: a hostile file may have thousands, and as many words that are none of them. */
const MOST = 50;

/**
 * The candidate that a mistyped word most likely stands for: the nearest one at a distance of at most a third of its length
 * (and at least 1), letter case aside; the first of several. Undefined when none of the first fifty is that near.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined;
  const lower = word.toLowerCase();
  let found: string | undefined;
  let least = Infinity;
  for (const candidate of candidates.slice(0, MOST)) {
    const bound = Math.min(least - 1, Math.max(1, Math.floor(candidate.length / 3)));
    const distance = editDistance(lower, candidate.toLowerCase(), bound);
    if (distance > bound) continue;
    least = distance;
    found = candidate;
  }
  return found;
}
