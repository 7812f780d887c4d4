/** `1 package`, `2 packages`; `2 entries` with a plural of its own. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
