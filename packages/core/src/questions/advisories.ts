import { isIctError } from '@ict/plugin-api';
import type { Advisory, CatalogueScope, Context, FixedAdvisory, LockChanges, Provider, ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from '../locks/lock.js';

/**
 * The advisories about packages of some names, the newest first. They only inform: where they cannot be read, a warning says so, and nothing else
 * fails.
 *
 * @returns undefined when the ecosystem publishes none, or they cannot be read.
 */
export async function readAdvisories(
  scope: CatalogueScope,
  { catalogue }: Pick<Provider, 'catalogue'>,
  context: Context,
): Promise<readonly Advisory[] | undefined> {
  try {
    return catalogue?.advisories && newestFirst(await catalogue.advisories(scope, context));
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isIctError(error)) throw error;
    const { code, message, hint } = error;
    const warning = { type: 'warning' as const, code, message: `advisories are not told of: ${message}` };
    context.emit(hint === undefined ? warning : { ...warning, hint });
    return undefined;
  }
}

/** Names of the packages that a lock has in another version than the one before. */
export function movedNames(before: Lock, { packages }: LockChanges): ReadonlySet<string> {
  const moved = new Set(packages.flatMap(({ id, before: old, after }) => (old && after && old.version !== after.version ? [id] : [])));
  return new Set([...before.packages, ...before.tools].flatMap(({ id, name }) => (moved.has(id) ? [name] : [])));
}

/** The advisories whose update came with a change: the version before had it not, the one after has it. Without an order of versions none. */
export function fixedBy(
  changes: LockChanges,
  before: Lock,
  advisories: readonly Advisory[],
  { compareVersions }: Pick<Provider['resolver'], 'compareVersions'>,
): readonly FixedAdvisory[] {
  if (compareVersions === undefined) return [];
  const known = new Map([...before.packages, ...before.tools].map((pkg) => [pkg.id, pkg]));
  return advisories.flatMap(({ packages, ...advisory }) => {
    const fixed = changes.packages.filter(({ id, before: old, after }) => {
      if (old === undefined || after === undefined) return false;
      const { name, arch } = known.get(id)!;
      return packages.some(
        (one) =>
          one.name === name &&
          one.arch === arch &&
          compareVersions(old.version, one.version) < 0 &&
          compareVersions(one.version, after.version) <= 0,
      );
    });
    return fixed.length === 0 ? [] : [{ ...advisory, packages: [...new Set(fixed.map(({ id }) => id))].sort() }];
  });
}

/** Whether an image has what an advisory brought; undefined when it has none of its packages. */
export function hasUpdate(
  { packages }: Advisory,
  installed: readonly ResolvedPackage[],
  { compareVersions }: Pick<Provider['resolver'], 'compareVersions'>,
): boolean | undefined {
  if (compareVersions === undefined) return undefined;
  const verdicts = packages.flatMap(({ name, version, arch }) =>
    installed.filter((pkg) => pkg.name === name && pkg.arch === arch).map((pkg) => compareVersions(pkg.version, version) >= 0),
  );
  return verdicts.length === 0 ? undefined : verdicts.every(Boolean);
}

/** By the day of issue, then by id, the highest first. An advisory of several repositories is told of once, with the packages of all. */
function newestFirst(advisories: readonly Advisory[]): readonly Advisory[] {
  const byId = new Map<string, Advisory>();
  for (const advisory of advisories) {
    const known = byId.get(advisory.id);
    if (known === undefined) byId.set(advisory.id, advisory);
    else {
      const told = new Set(known.packages.map(({ name, version, arch }) => `${name} ${version} ${arch}`));
      const more = advisory.packages.filter(({ name, version, arch }) => !told.has(`${name} ${version} ${arch}`));
      byId.set(advisory.id, { ...known, packages: [...known.packages, ...more] });
    }
  }
  const order = (a = '', b = ''): number => (a === b ? 0 : a < b ? 1 : -1);
  return [...byId.values()].sort((a, b) => order(a.issued, b.issued) || order(a.id, b.id));
}
