/** Every set of some elements, the empty one first. */
export function subsets<T>(elements: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: 2 ** elements.length }, (_, bits) => elements.filter((_each, at) => (bits & (1 << at)) !== 0));
}
