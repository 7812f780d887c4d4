import type { ResolvedPackage } from '@ict/plugin-api';

/** The closure as a DOT digraph: one box a package, one edge a requirement; sorted, so that equal closures give equal bytes. */
export function dependencyGraph(packages: readonly ResolvedPackage[]): string {
  const names = new Map(packages.map((pkg) => [pkg.id, pkg.name]));
  const quote = (name: string) => `"${name.replaceAll('"', '\\"')}"`;
  const lines = [...packages]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap((pkg) => [`  ${quote(pkg.name)};`, ...pkg.requires.map((id) => `  ${quote(pkg.name)} -> ${quote(names.get(id) ?? id)};`)]);
  return ['digraph G {', '  rankdir=LR;', '  node [shape=box];', ...lines, '}', ''].join('\n');
}
