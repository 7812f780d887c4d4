/** How many of `count` that are in order come before the first that `isLeading` is false of; it is asked of few of them. */
export function countLeading(count: number, isLeading: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isLeading(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
