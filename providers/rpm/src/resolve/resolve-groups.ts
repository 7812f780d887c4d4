import { patternExpression } from '@ict/package-index';
import type { Seed } from '@ict/plugin-api';
import type { Comps, GroupPackage, PackageGroup } from '../metadata/comps.js';
import type { RelationTable } from '../relations/relation.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

/**
 * The groups that are asked for, those of environments included. As dnf does, groups and environments are looked for apart, each first by id or
 * name, then by a pattern, in which capital and small letters are the same.
 *
 * @param wanted what follows the `@`.
 * @returns undefined when it is neither a group nor an environment.
 */
export function findGroups(wanted: string, { groups, environments }: Comps): readonly PackageGroup[] | undefined {
  const named = matching(wanted, groups.values());
  const around = matching(wanted, environments.values());
  if (named.length === 0 && around.length === 0) return undefined;
  const brought = around.flatMap((environment) => environment.groups).flatMap((id) => groups.get(id) ?? []);
  return [...new Set([...named, ...brought])];
}

function matching<T extends Labelled>(wanted: string, all: Iterable<T>): readonly T[] {
  const each = [...all];
  const exact = each.filter((one) => labelsOf(one).includes(wanted));
  if (exact.length > 0) return exact;
  const pattern = patternExpression([wanted], { ignoreCase: true });
  return each.filter((one) => labelsOf(one).some((label) => pattern.test(label)));
}

interface Labelled {
  readonly id: string;
  readonly name: string;
}

function labelsOf({ id, name }: Labelled): readonly string[] {
  return [id, name].filter((label) => label !== '');
}

/**
 * As dnf does, a group brings those of its packages that are there, or what replaces them: of conditional ones whatever provides their name.
 * Packages of profiles nothing replaces.
 */
export function membersOfGroup(seed: Seed, { packages }: PackageGroup, pool: Pool, table: RelationTable): readonly Wanted[] {
  return packages.flatMap((member) => wantedOf(seed, member, pool, table));
}

function wantedOf(
  seed: Seed,
  { name, isOptional, isOfMachine, requires }: GroupPackage,
  pool: Pool,
  table: RelationTable,
): readonly Wanted[] {
  const there = pool.all(name).filter((solvable) => !isOfMachine || pool.package(solvable).arch === pool.machine);
  if (isOptional || there.length === 0) return [];
  if (requires === '') return [{ seed, targets: pool.withReplacements(there) }];
  const targets = pool.satisfying(table.relation(name));
  return pool.satisfying(table.relation(requires)).map((when) => ({ seed, targets, when }));
}
