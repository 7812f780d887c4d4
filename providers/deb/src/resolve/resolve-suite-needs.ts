import type { RelationField } from '../metadata/packages-index.js';
import type { Pool } from './resolve-pool.js';

const FIELDS: readonly RelationField[] = ['Pre-Depends', 'Depends', 'Recommends'];

/**
 * What packages that are asked for from a suite (`name/suite`) take along: where no candidate satisfies a need of theirs, packages of the same
 * repository that do, and what those need of it in turn. Nothing else comes from there, so that other packages keep their candidates.
 *
 * @param candidates a pool that offers nothing but candidates and what is asked for exactly.
 * @param recommends whether Recommends count.
 */
export function suiteNeeds(asked: readonly number[], candidates: Pool, recommends: boolean): readonly number[] {
  const fields = recommends ? FIELDS : FIELDS.filter((field) => field !== 'Recommends');
  const taken = new Set(asked);
  const own = taken.size;
  for (const solvable of taken) {
    const arch = candidates.archOf(solvable);
    const repository = candidates.repositoryNumber(solvable);
    for (const group of fields.flatMap((field) => candidates.relations(solvable, field) ?? [])) {
      const relations = candidates.applicable(group, arch) ?? [];
      if (relations.some((relation) => candidates.satisfying(relation, arch).length > 0)) continue;
      for (const relation of relations) {
        const named = candidates.architectures.flatMap((each) => candidates.all(relation.name, each));
        const fitting = named.find((each) => candidates.repositoryNumber(each) === repository && candidates.fits(relation, each, arch));
        if (fitting !== undefined) taken.add(fitting);
      }
    }
  }
  return [...taken].slice(own);
}
