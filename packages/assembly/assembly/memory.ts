/**
 * Says that the memory is full: the caller throws, and uses the module no more.
 *
 * Imported as `full` of the module `memory`.
 */
declare function full(): void;

const PAGE_BYTES: u64 = 65536;

/** Where free memory begins. */
let top: usize = (__heap_base + 15) & ~15;

/** Memory that nobody has used, and that is 0. Nothing is given back: all of it goes with the module. */
export function reserve(sizeBytes: u64): usize {
  const start = top;
  const stop = (<u64>start + sizeBytes + 15) & ~15;
  const needed = (stop + PAGE_BYTES - 1) / PAGE_BYTES;
  const pages = <u64>memory.size();
  if (needed > pages) grow(<u32>min<u64>(needed - pages, 65536), (<u32>pages) >> 2);
  top = <usize>stop;
  return start;
}

/** @param wished pages to have at once, where there are so many: the caller has to look at its memory anew each time. */
function grow(needed: u32, wished: u32): void {
  if (wished > needed && memory.grow(wished) >= 0) return;
  if (memory.grow(needed) < 0) full();
}
