/**
 * What was asked for last stays at hand.
 *
 * @param most how many answers are kept.
 */
export function remembering<Key, Answer>(most: number, answer: (key: Key) => Promise<Answer>): (key: Key) => Promise<Answer> {
  const kept = new Map<Key, Answer>();
  return async (key) => {
    const known = kept.get(key) ?? (await answer(key));
    kept.delete(key);
    kept.set(key, known);
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) kept.delete(oldest);
    return known;
  };
}
