import type { SharedFile } from './directory-files.js';

/** Something that takes room on a disk, perhaps together with others: an image is a link to the blob of its disk. */
export interface TakesRoom {
  readonly allocatedBytes: number;
  readonly shared?: readonly SharedFile[];
}

/** What all of these take together: a file that several of them share counts once. */
export function occupiedBytes(all: Iterable<TakesRoom>): number {
  const met = new Set<string>();
  let bytes = 0;
  for (const { allocatedBytes, shared } of all) {
    bytes += allocatedBytes;
    if (shared === undefined) continue; // nearly all, of a hundred thousand
    for (const { file, allocatedBytes: again } of shared) {
      if (met.has(file)) bytes -= again;
      met.add(file);
    }
  }
  return bytes;
}

/** @returns what a disk gets back when one thing after another goes: a file only with the last of its names. */
export function createRelease(): (gone: TakesRoom) => number {
  const names = new Map<string, number>();
  return ({ allocatedBytes, shared = [] }) => {
    let bytes = allocatedBytes;
    for (const one of shared) {
      const gone = (names.get(one.file) ?? 0) + one.met;
      names.set(one.file, gone);
      if (gone < one.names) bytes -= one.allocatedBytes;
    }
    return bytes;
  };
}

/** What a disk gets back when all of these go. */
export function releasedBytes(all: readonly TakesRoom[]): number {
  const release = createRelease();
  return all.reduce((sum, one) => sum + release(one), 0);
}
