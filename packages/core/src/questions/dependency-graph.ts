import type { ResolvedPackage } from '@ict/plugin-api';
import { packageGraph, type PackageGraph } from './package-graph.js';
import { relationsOf } from './package-relations.js';

/** The closure of a lock as a DOT digraph: what `chrootpkgs.dot` beside the package cache holds. */
export function dependencyGraph(packages: readonly ResolvedPackage[]): string {
  return dotGraph(packageGraph(packages, relationsOf(packages)));
}

/**
 * A graph of packages in DOT: one box a package, with its version; one edge a need, dashed for a recommendation. Sorted, so that equal
 * graphs give equal bytes. A box is named after its package, or by id where several architectures share the name.
 */
export function dotGraph({ packages, edges }: PackageGraph): string {
  const counts = new Map<string, number>();
  for (const { name } of packages) counts.set(name, (counts.get(name) ?? 0) + 1);
  const boxes = new Map(packages.map(({ id, name }) => [id, quote(counts.get(name) === 1 ? name : id)]));
  const lines = packages.flatMap(({ id, name, version }) => [
    `  ${boxes.get(id)} [label="${escape(name)}\\n${escape(version)}"];`,
    ...edges
      .filter(({ from }) => from === id)
      .map(({ to, kind }) => `  ${boxes.get(id)} -> ${boxes.get(to)}${kind === 'recommends' ? ' [style=dashed]' : ''};`),
  ]);
  return ['digraph G {', '  rankdir=LR;', '  node [shape=box];', ...lines, '}', ''].join('\n');
}

function quote(text: string): string {
  return `"${escape(text)}"`;
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
