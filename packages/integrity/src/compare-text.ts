/**
 * Order of texts by UTF-16 code units, which no locale changes: the order of `sort` without a function, and of members in canonical JSON.
 *
 * @returns negative, zero or positive, ready for `sort`.
 */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
