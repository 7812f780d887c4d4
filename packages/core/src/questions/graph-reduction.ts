import type { GraphEdge, PackageGraph } from './package-graph.js';

/**
 * The graph without edges that say nothing new: an edge goes when what is left still leads from its start to its end. A requirement
 * goes only for a way of requirements, a recommendation for any way. Without cycles this is the transitive reduction; in a cycle, edges
 * are tried in order, so that equal graphs give equal answers.
 */
export function reduceGraph(graph: PackageGraph): PackageGraph {
  const requires = removeRedundant(
    graph.edges.filter(({ kind }) => kind === 'requires'),
    () => true,
  );
  const left = removeRedundant(
    [...requires, ...graph.edges.filter(({ kind }) => kind === 'recommends')],
    ({ kind }) => kind === 'recommends',
  );
  const kept = new Set(left);
  return { packages: graph.packages, edges: graph.edges.filter((edge) => kept.has(edge)) };
}

function removeRedundant(edges: readonly GraphEdge[], mayGo: (edge: GraphEdge) => boolean): readonly GraphEdge[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of edges) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  return edges.filter((edge) => {
    if (!mayGo(edge)) return true;
    const own = targets.get(edge.from) as Set<string>;
    own.delete(edge.to);
    if (leads(targets, edge.from, edge.to)) return false;
    own.add(edge.to);
    return true;
  });
}

function leads(targets: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set([from]);
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of targets.get(at) ?? []) {
      if (next === to) return true;
      if (!seen.has(next)) {
        seen.add(next);
        open.push(next);
      }
    }
  }
  return false;
}
