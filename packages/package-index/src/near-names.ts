/**
 * Names that a user may have meant, the nearest first: those within a third of the name's length (at most 3) of insertions, deletions,
 * replacements and swaps of neighbours, letter case aside.
 *
 * @param limit at most so many.
 */
export function nearestNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const bound = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)));
  const lower = wanted.toLowerCase();
  const found = new Map<string, number>();
  for (const name of names) {
    if (found.has(name)) continue;
    const distance = editDistance(lower, name.toLowerCase(), bound);
    if (distance <= bound) found.set(name, distance);
  }
  return [...found]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name]) => name);
}

/**
 * Damerau-Levenshtein distance (optimal string alignment: no part is changed twice).
 *
 * @returns the distance, or `bound + 1` when it is larger than `bound`.
 */
export function editDistance(a: string, b: string, bound = Number.MAX_SAFE_INTEGER): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let distance = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) distance = Math.min(distance, beforeLast[j - 2]! + 1);
      row.push(distance);
      best = Math.min(best, distance);
    }
    if (best > bound && Math.min(...last) > bound) return bound + 1;
    beforeLast = last;
    last = row;
  }
  return Math.min(last[b.length]!, bound + 1);
}
