import type { SettledLock } from '../locks/lock-settling.js';
import type { GraphDocument } from './answers.js';
import { dotGraph } from './dependency-graph.js';
import { reduceGraph } from './graph-reduction.js';
import { packageGraph } from './package-graph.js';
import type { KnownRelation } from './package-relations.js';

/** The closure of the image as a graph. @param reduce leaves out edges that other ways imply. */
export function answerGraph(reduce: boolean, { lock }: SettledLock, relations: readonly KnownRelation[]): GraphDocument {
  const whole = packageGraph(lock.packages, relations);
  const graph = reduce ? reduceGraph(whole) : whole;
  return {
    schemaVersion: 1,
    target: lock.target,
    reduced: reduce,
    packages: graph.packages.map(({ id, name, version, arch, sizeBytes, requestedBy }) => ({
      id,
      name,
      version,
      arch,
      sizeBytes,
      requestedBy,
    })),
    edges: graph.edges,
    dot: dotGraph(graph),
  };
}
