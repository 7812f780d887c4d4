/** What a value becomes on its way through a lock file or a worker: JSON and back. */
export function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Freezes plain data with all below it, so that a function which changes its input throws. Bytes and maps stay as they are. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/** Other orders of a list: reversed, and turned by one. */
export function reorderings<T>(list: readonly T[]): readonly (readonly T[])[] {
  return [list.toReversed(), [...list.slice(1), ...list.slice(0, 1)]];
}

/** The members that occur more than once. */
export function repeated<T>(list: readonly T[]): readonly T[] {
  const seen = new Set<T>();
  return list.filter((member) => seen.size === seen.add(member).size);
}

/** True for texts in ascending order by code unit, each once: how `sort()` without arguments leaves them. */
export function isSorted(list: readonly string[]): boolean {
  return list.every((text, index) => index === 0 || (list[index - 1] as string) < text);
}
