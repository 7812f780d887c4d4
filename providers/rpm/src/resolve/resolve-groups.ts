import { patternExpression } from '@ict/package-index';
import type { Seed } from '@ict/plugin-api';
import { PACKAGE_KINDS } from '../metadata/comps.js';
import type { Comps, GroupPackage, PackageGroup, PackageKind } from '../metadata/comps.js';
import type { RelationTable } from '../relations/relation.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

/** Groups that are asked for, and what of them. */
export interface GroupChoice {
  readonly groups: readonly PackageGroup[];
  readonly kinds: ReadonlySet<PackageKind>;
}

/** What a group brings to who names no kinds. */
const USUAL: ReadonlySet<PackageKind> = new Set(['mandatory', 'default', 'conditional']);

const KINDS = new RegExp(`^(.+)/((?:${PACKAGE_KINDS.join('|')})(?:,(?:${PACKAGE_KINDS.join('|')}))*)$`);

/**
 * The groups that are asked for, those of environments included. As dnf does, groups and environments are looked for apart, each first by id or
 * name, then by a pattern, in which capital and small letters are the same.
 *
 * @param wanted what follows the `@`: `tools`, or `tools/optional` and `tools/mandatory,default,optional` for packages of these kinds alone.
 * @returns undefined when it is neither a group nor an environment.
 */
export function findGroups(wanted: string, { groups, environments }: Comps): GroupChoice | undefined {
  const [, before, kinds] = KINDS.exec(wanted) ?? [];
  const label = before ?? wanted;
  const named = matching(label, groups.values());
  const around = matching(label, environments.values());
  if (named.length === 0 && around.length === 0) return undefined;
  const brought = around.flatMap((environment) => environment.groups).flatMap((id) => groups.get(id) ?? []);
  const chosen = kinds === undefined ? USUAL : new Set(PACKAGE_KINDS.filter((kind) => kinds.split(',').includes(kind)));
  return { groups: [...new Set([...named, ...brought])], kinds: chosen };
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
 * As dnf does, groups bring those of their packages that are there, or what replaces them: of conditional ones whatever provides their name.
 * Packages of profiles nothing replaces.
 */
export function membersOfGroups(seed: Seed, { groups, kinds }: GroupChoice, pool: Pool, table: RelationTable): readonly Wanted[] {
  const members = groups.flatMap(({ packages }) => packages.filter(({ kind }) => kinds.has(kind)));
  return members.flatMap((member) => wantedOf(seed, member, pool, table));
}

function wantedOf(seed: Seed, { name, isOfMachine, requires }: GroupPackage, pool: Pool, table: RelationTable): readonly Wanted[] {
  const there = pool.all(name).filter((solvable) => !isOfMachine || pool.package(solvable).arch === pool.machine);
  if (there.length === 0) return [];
  if (requires === '') return [{ seed, targets: pool.withReplacements(there) }];
  const targets = pool.satisfying(table.relation(name));
  return pool.satisfying(table.relation(requires)).map((when) => ({ seed, targets, when }));
}
