import type { Pool } from './resolve-pool.js';

/**
 * Names of the packages that say of themselves that they took the place of one that is gone: they replace it, and conflict with it or
 * break it. Sorted; looked for only when a name is unknown, because every package has to be asked.
 */
export function successorsOf(name: string, pool: Pool): readonly string[] {
  const names = new Set<string>();
  pool.repositories.forEach(({ index }, repository) => {
    for (const solvable of pool.members(repository)) {
      const { at } = pool.locate(solvable);
      // The text is looked at first: few packages mention the name, and only these are parsed.
      if (index.field(at, 'replaces')?.includes(name) !== true || !mentions(solvable, 'Replaces', name, pool)) continue;
      if (mentions(solvable, 'Breaks', name, pool) || mentions(solvable, 'Conflicts', name, pool)) names.add(pool.name(solvable));
    }
  });
  return [...names].sort();
}

function mentions(solvable: number, field: 'Replaces' | 'Breaks' | 'Conflicts', name: string, pool: Pool): boolean {
  return pool.relations(solvable, field)?.some((group) => group.some((relation) => relation.name === name)) === true;
}
