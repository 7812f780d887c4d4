import type { ResolvedPackage } from '@ict/plugin-api';
import type { KnownRelation } from './package-relations.js';

/** One package needs another; everything that it says about it. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `requires` when at least one relation does. */
  readonly kind: KnownRelation['kind'];
  /** The relations as the package writes them; empty when only the lock is known. */
  readonly relations: readonly { readonly field: string; readonly text: string }[];
}

/** A closure as a graph: packages by id, edges by both ends, each sorted. */
export interface PackageGraph {
  readonly packages: readonly ResolvedPackage[];
  readonly edges: readonly GraphEdge[];
}

/** @param relations those between other packages are left out. */
export function packageGraph(packages: readonly ResolvedPackage[], relations: readonly KnownRelation[]): PackageGraph {
  const ids = new Set(packages.map(({ id }) => id));
  const edges = new Map<string, GraphEdge>();
  for (const { from, to, kind, field, text } of relations) {
    if (!ids.has(from) || !ids.has(to) || from === to) continue;
    const key = `${from} ${to}`;
    const known = edges.get(key);
    const stated = known?.relations ?? [];
    const news = field === undefined || text === undefined || stated.some((one) => one.field === field && one.text === text);
    edges.set(key, {
      from,
      to,
      kind: known?.kind === 'requires' ? 'requires' : kind,
      relations: news ? stated : [...stated, { field, text }],
    });
  }
  return {
    packages: [...packages].sort((a, b) => (a.id < b.id ? -1 : 1)),
    edges: [...edges.values()].sort((a, b) => (a.from === b.from ? (a.to < b.to ? -1 : 1) : a.from < b.from ? -1 : 1)),
  };
}
