/**
 * Text with ranges of it replaced.
 *
 * @param {readonly { start: number, end: number, text: string }[]} changes in any order; they do not overlap.
 */
export function replaced(code, changes) {
  return [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), code);
}
