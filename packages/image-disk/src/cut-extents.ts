import type { BlockExtent } from '@ict/plugin-api';

/** Extents in pieces of at most so many blocks, none of which reaches across a border. @param borders blocks, in order, at which a piece ends at the latest. */
export function cutExtents(extents: readonly BlockExtent[], mostBlocks: number, borders: readonly number[] = []): BlockExtent[] {
  const pieces: BlockExtent[] = [];
  for (let { first, at, count } of extents) {
    while (count > 0) {
      const border = borders.find((block) => block > at) ?? Infinity;
      const piece = Math.min(count, mostBlocks, border - at);
      pieces.push({ first, at, count: piece });
      first += piece;
      at += piece;
      count -= piece;
    }
  }
  return pieces;
}
