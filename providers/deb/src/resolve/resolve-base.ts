import { nameFilter } from '@ict/package-index';
import type { DistributionDefinition, Problem, Seed } from '@ict/plugin-api';
import type { resolutionError } from './resolve-errors.js';
import type { Pool } from './resolve-pool.js';
import { tellWithheld, withheldOf } from './resolve-withheld.js';

/** The base system of an image, before anything is resolved. */
export interface BaseSystem {
  readonly seeds: readonly Seed[];
  /** Names that belong to it by their priority, and that the template keeps out, sorted. */
  readonly leftOut: readonly string[];
}

/**
 * Packages of the base system: of the native architecture what the archive marks as essential and what has one of the definition's
 * priorities, and those that it names. What is essential is asked for even where a rule of the template keeps it out, so that this is told:
 * other packages rely on it without saying so.
 */
export function baseSystem(pool: Pool, essential: DistributionDefinition['essential']): BaseSystem {
  const names = new Set<string>();
  const leftOut = new Set<string>();
  const priorities = new Set(essential.priorities);
  pool.repositories.forEach(({ exclude = [], index, pins }, repository) => {
    let gives = false;
    for (const solvable of pool.members(repository)) {
      const at = pool.rowOf(solvable);
      if (!index.essential(at) && !priorities.has(index.priority(at))) continue;
      if (pool.all(index.name(at))[0] !== solvable) continue;
      names.add(index.name(at));
      gives = true;
    }
    if (exclude.length === 0 && pins === undefined) return;
    // A repository that is there for a few packages, by a list or by pins, need not give its base system; one that names a package of it means that.
    const passes = nameFilter({ exclude });
    for (let at = 0; at < index.count; at++) {
      const isEssential = index.essential(at);
      if (!isEssential && !priorities.has(index.priority(at))) continue;
      const name = index.name(at);
      const isKeptOut = !passes(name) || (gives && (pins?.(name, index.version(at)) ?? 0) < 0);
      if (!isKeptOut || ![pool.arch, 'all'].includes(index.arch(at)) || pool.all(name).length > 0) continue;
      (isEssential ? names : leftOut).add(name);
    }
  });
  for (const name of essential.packages) names.add(name);
  const seeds = [...names].sort().map((request) => ({ request, reason: 'essential' }));
  return { seeds, leftOut: [...leftOut].sort() };
}

/** Says what of the base system the template keeps out. */
export function warnOfLeftOut(leftOut: readonly string[], pool: Pool): Problem[] {
  if (leftOut.length === 0) return [];
  const code: keyof typeof resolutionError.codes = 'ICT_DEB_BASE_WITHHELD';
  return [
    {
      code,
      message: `the base system goes without ${leftOut.join(', ')}`,
      hint: 'Nothing in the image needs them by name. Change the rule where that is not what you mean.',
      because: leftOut.flatMap((name) => withheldOf(name, pool.arch, pool).map(tellWithheld)),
    },
  ];
}
