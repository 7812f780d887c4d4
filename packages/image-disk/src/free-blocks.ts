import type { BlockExtent } from '@ict/plugin-api';

/** Blocks that follow each other. */
export interface BlockRange {
  readonly at: number;
  readonly count: number;
}

/** How many blocks ranges have together. */
export function blocksOf(ranges: readonly Pick<BlockRange, 'count'>[]): number {
  return ranges.reduce((blocks, { count }) => blocks + count, 0);
}

/** Blocks that nothing has yet, given out from the first on. */
export class FreeBlocks {
  readonly capacity: number;
  #asked = 0;
  #ranges: BlockRange[];

  constructor(ranges: readonly BlockRange[]) {
    this.#ranges = [...ranges];
    this.capacity = blocksOf(ranges);
  }

  /** Blocks that were asked for so far, whether they were there or not. */
  get asked(): number {
    return this.#asked;
  }

  get full(): boolean {
    return this.#asked > this.capacity;
  }

  /** What is left, in order. */
  get ranges(): readonly BlockRange[] {
    return this.#ranges;
  }

  /** @returns the blocks of a file that has this many; none once it is {@link full}. */
  take(count: number): readonly BlockExtent[] {
    this.#asked += count;
    if (this.full) {
      this.#ranges = [];
      return [];
    }
    const extents: BlockExtent[] = [];
    for (let first = 0; first < count; ) {
      const range = this.#ranges.shift() as BlockRange;
      const taken = Math.min(range.count, count - first);
      extents.push({ first, at: range.at, count: taken });
      if (taken < range.count) this.#ranges.unshift({ at: range.at + taken, count: range.count - taken });
      first += taken;
    }
    return extents;
  }
}
