/**
 * Does everything that ends a piece of work, one after the other, whatever one throws: a sandbox whose agent a signal has ended cannot be
 * told to close, and what it left is to be removed all the same.
 *
 * @throws what the first one threw that failed.
 */
export async function closeInOrder(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
