import type { ResolvedPackage } from '@ict/plugin-api';

/** Ids of the packages of the base tree: the essential ones and everything that they need, out of one closure. */
export function baseIds(packages: readonly ResolvedPackage[]): ReadonlySet<string> {
  const byId = new Map(packages.map((pkg) => [pkg.id, pkg]));
  const reached = new Set<string>();
  const pending = packages.filter((pkg) => pkg.requestedBy.includes('essential')).map((pkg) => pkg.id);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    pending.push(...(byId.get(id)?.requires ?? []));
  }
  return reached;
}
