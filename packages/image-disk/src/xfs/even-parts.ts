/** As few parts as hold these, none of more than `most`, and as even as can be: no block of a tree may be less than half full. */
export function evenParts<T>(items: readonly T[], most: number): T[][] {
  const parts = Math.max(1, Math.ceil(items.length / most));
  return Array.from({ length: parts }, (_, part) =>
    items.slice(Math.floor((part * items.length) / parts), Math.floor(((part + 1) * items.length) / parts)),
  );
}

/** How many blocks each level of a tree has, from the leaves up to its root. */
export function levelsOf(records: number, leafHolds: number, nodeHolds: number): number[] {
  const levels = [Math.max(1, Math.ceil(records / leafHolds))];
  for (let blocks = levels[0] as number; blocks > 1; ) levels.push((blocks = Math.ceil(blocks / nodeHolds)));
  return levels;
}
