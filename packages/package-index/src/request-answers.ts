/**
 * Which members of a closure answer each request, as the closure says it.
 *
 * @param found a request as its seed names it, and the id of a member that was taken for it; of a group or a pattern one pair a member.
 * @returns requests and ids sorted, each once.
 */
export function answersOf(found: readonly (readonly [request: string, id: string])[]): Readonly<Record<string, readonly string[]>> {
  const byRequest = Map.groupBy(found, ([request]) => request);
  return Object.fromEntries(
    [...byRequest.keys()].sort().map((request) => [request, [...new Set(byRequest.get(request)!.map(([, id]) => id))].sort()]),
  );
}
