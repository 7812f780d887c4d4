import type { Seed } from '@ict/plugin-api';
import type { WhyPath } from './answers.js';
import { asksForVersion, namesOf, seedName } from '../locks/request-spelling.js';
import type { GraphEdge, PackageGraph } from './package-graph.js';

/** What a user wrote comes before what a definition adds. */
const REASONS: readonly string[] = ['template', 'kernel', 'bootloader', 'growth', 'immutability', 'tools', 'essential'];

/**
 * Ways from what was asked for to a package, one for each package that was asked for, the shortest first. Of ways of one length,
 * requirements come before recommendations.
 *
 * @param id of a package of the graph.
 */
export function whyPaths(graph: PackageGraph, seeds: readonly Seed[], id: string): readonly WhyPath[] {
  const next = stepsTowards(graph.edges, id);
  const paths: WhyPath[] = [];
  for (const { seed, start } of starts(graph, seeds)) {
    if (start !== id && !next.has(start)) continue;
    const steps: GraphEdge[] = [];
    for (let at = start; at !== id; at = (steps.at(-1) as GraphEdge).to) steps.push(next.get(at) as GraphEdge);
    const { request, reason, position, byDefault } = seed;
    paths.push({
      request,
      reason,
      ...(position === undefined ? {} : { position }),
      ...(byDefault === undefined ? {} : { byDefault }),
      package: start,
      steps,
    });
  }
  const rank = ({ reason }: WhyPath) => (REASONS.includes(reason) ? REASONS.indexOf(reason) : REASONS.length);
  return paths.sort((a, b) => a.steps.length - b.steps.length || rank(a) - rank(b) || (a.package < b.package ? -1 : 1));
}

/** By package: the first edge of its shortest way to the goal. */
function stepsTowards(edges: readonly GraphEdge[], goal: string): ReadonlyMap<string, GraphEdge> {
  const strongest = [...edges.filter(({ kind }) => kind === 'requires'), ...edges.filter(({ kind }) => kind === 'recommends')];
  const incoming = Map.groupBy(strongest, ({ to }) => to);
  const next = new Map<string, GraphEdge>();
  for (let ring = [goal]; ring.length > 0; ) {
    const outer: string[] = [];
    for (const edge of ring.flatMap((at) => incoming.get(at) ?? [])) {
      if (edge.from === goal || next.has(edge.from)) continue;
      next.set(edge.from, edge);
      outer.push(edge.from);
    }
    ring = outer;
  }
  return next;
}

/**
 * What was asked for, with the package that answers it. A lock says of a package that something asked for it, not which words did: a
 * seed with its name and architecture is meant before those with its name; where there is none, a seed of that reason whose name no package has,
 * if there is just one.
 */
function starts({ packages }: PackageGraph, seeds: readonly Seed[]): readonly { readonly seed: Seed; readonly start: string }[] {
  const ids = new Set(packages.map(({ id }) => id));
  const names = new Set(packages.flatMap((pkg) => namesOf(pkg)));
  return packages.flatMap((pkg) => {
    const { id, name, requestedBy } = pkg;
    return requestedBy
      .filter((reason) => !ids.has(reason))
      .flatMap((reason) => {
        const asking = seeds.filter((seed) => seed.reason === reason);
        const exact = asking.filter(({ request }) => seedName(request) !== name && namesOf(pkg).includes(seedName(request)));
        const named = exact.length > 0 ? exact : asking.filter(({ request }) => seedName(request) === name);
        // Of several versions side by side, each is there for requests that name it, the highest for those that name none.
        const meant = named.filter(({ request }) => asksForVersion(request, pkg) ?? seedName(id) === id);
        if (named.length > 0) return (meant.length > 0 ? meant : named).map((seed) => ({ seed, start: id }));
        const virtual = asking.filter(({ request }) => !names.has(seedName(request)));
        return [{ seed: virtual.length === 1 ? virtual[0] : { request: name, reason }, start: id }];
      });
  });
}
