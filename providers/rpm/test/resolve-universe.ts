import type { Digest, Resolution, Seed } from '@ict/plugin-api';
import { parseEvr } from '../src/evr.js';
import { PackagesIndex, type PrimaryPackage } from '../src/packages-index.js';
import { parseSense, RelationTable, type Relation } from '../src/relation.js';
import { resolvePackages } from '../src/resolve.js';
import { isRich } from '../src/rich.js';
import type { RelationKind } from '../src/tags.js';

/** A package as a line or two: `name-1-1.noarch`, and relations by kind. */
export interface TestPackage {
  readonly nevra: string;
  readonly files?: readonly string[];
  readonly relations?: Readonly<Partial<Record<RelationKind, readonly string[]>>>;
}

export interface TestRepository {
  readonly packages: readonly TestPackage[];
  readonly priority?: number;
  readonly allow?: readonly string[];
}

export function toRelation(text: string, table: RelationTable): Relation {
  const [name, sign, evr] = text.split(' ');
  if (isRich(text) || sign === undefined) return table.relation(text);
  return table.relation(name!, parseSense(sign), parseEvr(evr!));
}

/** `name-[epoch:]version-release.arch` taken apart. */
export function splitNevra(nevra: string): Pick<PrimaryPackage, 'name' | 'evr' | 'arch'> {
  const match = /^(.+)-([^-]+-[^-]+)\.([^.]+)$/.exec(nevra)!;
  return { name: match[1]!, evr: parseEvr(match[2]!), arch: match[3]! };
}

export function toIndex(packages: readonly TestPackage[], table: RelationTable): PackagesIndex {
  const made = packages.map(({ nevra, files = [], relations = {} }, at): PrimaryPackage => {
    const { name, evr, arch } = splitNevra(nevra);
    const kinds = Object.entries(relations).map(([kind, texts]) => [kind, texts.map((text) => toRelation(text, table))]);
    return {
      name,
      evr,
      arch,
      path: `${nevra}.rpm`,
      digest: `sha256:${at.toString(16).padStart(64, '0')}` as Digest,
      sizeBytes: 1,
      installedSizeBytes: 1,
      summary: '',
      homepage: '',
      maintainer: '',
      sourceRpm: '',
      relations: Object.fromEntries(kinds) as PrimaryPackage['relations'],
      files,
    };
  });
  return new PackagesIndex(made, []);
}

export function resolveIn(repositories: readonly TestRepository[], requests: readonly string[], recommends = true): Resolution {
  const table = new RelationTable();
  return resolvePackages({
    repositories: repositories.map(({ packages, priority = 0, allow = [] }, number) => {
      return { id: `repo${number}`, priority, allow, index: toIndex(packages, table) };
    }),
    arch: 'x86_64',
    seeds: requests.map((request): Seed => ({ request, reason: 'template' })),
    groups: new Map([['tools', { id: 'tools', mandatory: ['a', 'nothing'], optional: ['b'] }]]),
    table,
    recommends,
  });
}

/** Chosen packages as `name-version.arch`, sorted; or the code of the first problem. */
export function answer(resolution: Resolution): string {
  if (resolution.kind === 'unsolvable') return resolution.problems[0]!.code;
  return resolution.closure.packages.map(({ name, version, arch }) => `${name}-${version}.${arch}`).join(' ');
}
