import type { Catalogue, CatalogueEntry, Context, PackageDescription, PackageField, PackageSummary, Snapshot } from '@ict/plugin-api';
import { findAdvisories } from '../metadata/advisories.js';
import { findChangelogs } from '../metadata/changelogs.js';
import { formatEvr } from '../relations/evr.js';
import { loadPackages } from '../metadata/metadata.js';
import type { PackagesIndex, PrimaryPackage } from '../metadata/packages-index.js';
import { formatRelation } from '../relations/relation.js';
import { sourceOf } from './resolve-closure.js';
import type { RelationKind } from '../package/tags.js';
import { findStandings } from './standings.js';
import { findWithheld } from './withheld.js';

/** Between checks of the signal while packages are streamed. */
const PACKAGES_PER_CHECK = 1024;

const RELATIONS: readonly RelationKind[] = [
  ...(['requires', 'recommends', 'suggests', 'supplements', 'enhances'] as const),
  ...(['provides', 'conflicts', 'obsoletes'] as const),
];

/** Tells what the metadata of a repository says of packages; source packages are left out. */
export function createCatalogue(): Catalogue {
  return { list, describe, withheld: findWithheld, standings: findStandings, advisories: findAdvisories, changelogs: findChangelogs };
}

async function* list(snapshot: Snapshot, ctx: Context): AsyncGenerator<PackageSummary> {
  const index = await loadPackages(snapshot, ctx);
  for (let at = 0; at < index.count; at++) {
    if (at % PACKAGES_PER_CHECK === 0) ctx.signal.throwIfAborted();
    const arch = index.arch(at);
    if (arch !== 'src') yield { name: index.name(at), version: formatEvr(index.evr(at)), arch, summary: index.words(at).summary };
  }
}

async function describe(snapshot: Snapshot, name: string, ctx: Context): Promise<CatalogueEntry> {
  const index = await loadPackages(snapshot, ctx);
  const isBinary = (at: number): boolean => index.arch(at) !== 'src';
  const own = [...index.byName(name)].filter(isBinary);
  const providers = [...index.providersOf(name)].filter((at) => isBinary(at) && !own.includes(at));
  return {
    packages: own.map((at) => describePackage(index, at, snapshot.repository.id)),
    providers: providers.map((at) => {
      const pkg = index.package(at);
      return { name: pkg.name, version: formatEvr(pkg.evr), arch: pkg.arch, provides: providedAs(pkg, name) };
    }),
  };
}

function describePackage(index: PackagesIndex, at: number, repository: string): PackageDescription {
  const { summary, maintainer, homepage, sourceRpm } = index.words(at);
  return {
    ...index.record(at, repository),
    summary,
    ...sourceOf(sourceRpm),
    ...(maintainer === '' ? {} : { maintainer }),
    ...(homepage === '' ? {} : { homepage }),
    details: [],
    relations: RELATIONS.flatMap((kind) => relationField(index.package(at), kind)),
  };
}

function relationField({ relations }: PrimaryPackage, kind: RelationKind): readonly PackageField[] {
  const stated = relations[kind] ?? [];
  if (stated.length === 0) return [];
  return [{ field: `${kind[0]!.toUpperCase()}${kind.slice(1)}`, text: stated.map(formatRelation).join(', ') }];
}

/** How a package provides a name: with a version, or as the path of a file. */
function providedAs({ relations }: PrimaryPackage, name: string): string {
  const provided = (relations.provides ?? []).find((relation) => relation.name === name);
  return provided === undefined ? name : formatRelation(provided);
}
