/**
 * Groups of members that need each other before any of them can be unpacked, each sorted, in the order of their first.
 *
 * @param edges by member: those it needs.
 * @see Tarjan, Depth-first search and linear graph algorithms, 1972
 */
export function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: (readonly string[])[] = [];
  for (const root of [...edges.keys()].sort()) {
    if (index.has(root)) continue;
    const path = [enter(root)];
    while (path.length > 0) {
      const { member, rest } = path[path.length - 1];
      const next = rest.pop();
      if (next === undefined) {
        path.pop();
        leave(member);
        const below = path.at(-1)?.member;
        if (below !== undefined) low.set(below, Math.min(low.get(below)!, low.get(member)!));
      } else if (!index.has(next)) {
        path.push(enter(next));
      } else if (onStack.has(next)) {
        low.set(member, Math.min(low.get(member)!, index.get(next)!));
      }
    }
  }
  return cycles.sort(([a], [b]) => (a < b ? -1 : 1));

  function enter(member: string): { readonly member: string; readonly rest: string[] } {
    index.set(member, index.size);
    low.set(member, index.size - 1);
    stack.push(member);
    onStack.add(member);
    return { member, rest: [...(edges.get(member) ?? [])] };
  }

  function leave(member: string): void {
    if (low.get(member) !== index.get(member)) return;
    const group = stack.splice(stack.lastIndexOf(member));
    for (const each of group) onStack.delete(each);
    if (group.length > 1) cycles.push(group.sort());
  }
}
