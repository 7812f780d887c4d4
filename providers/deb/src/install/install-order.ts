import type { ResolvedPackage } from '@ict/plugin-api';

/**
 * Orders packages so that what a package requires stands before it; cycles are entered at their smallest id.
 * A function of the set alone: the order in which the packages are given does not matter. dpkg hands out system users in the
 * order in which it configures, so this order is what makes their ids repeatable.
 */
export function installOrder<P extends Pick<ResolvedPackage, 'id' | 'requires'>>(packages: readonly P[]): readonly P[] {
  const byId = new Map(packages.map((pkg) => [pkg.id, pkg]));
  const ordered: P[] = [];
  const visited = new Set<string>();
  for (const root of [...byId.keys()].sort()) {
    const path: { readonly pkg: P; readonly rest: Iterator<string> }[] = [];
    const enter = (id: string): void => {
      const pkg = byId.get(id);
      if (pkg === undefined || visited.has(id)) return;
      visited.add(id);
      path.push({ pkg, rest: [...pkg.requires].sort().values() });
    };
    enter(root);
    while (path.length > 0) {
      const top = path[path.length - 1];
      const next = top.rest.next();
      if (next.done === true) {
        ordered.push(top.pkg);
        path.pop();
      } else {
        enter(next.value);
      }
    }
  }
  return ordered;
}
