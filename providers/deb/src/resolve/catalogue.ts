import type {
  Catalogue,
  CatalogueEntry,
  Context,
  PackageDescription,
  PackageField,
  PackageSummary,
  Snapshot,
  WantedText,
} from '@ict/plugin-api';
import { hasCode } from '@ict/plugin-api';
import { loadIndexes } from '../metadata/metadata.js';
import type { PackagesIndex } from '../metadata/packages-index.js';
import { formatProvided } from '../relations/relation.js';
import type { IndexedField } from '../metadata/stanza-scan.js';
import { findStandings, findWithheld } from './standings.js';

/** Between checks of the signal while packages are streamed. */
const PACKAGES_PER_CHECK = 1024;

const DETAILS = ['Section', 'Priority', 'Essential', 'Protected', 'Multi-Arch', 'Phased-Update-Percentage'] as const;
const RELATIONS = [
  ...(['Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Enhances'] as const),
  ...(['Provides', 'Conflicts', 'Breaks', 'Replaces'] as const),
] as const;

/** Tells what the indexes of a repository say of packages. `all` is an architecture like any other here. */
export function createCatalogue(): Catalogue {
  return { list, mentioning, describe, withheld: findWithheld, standings: findStandings };
}

async function* list(snapshot: Snapshot, ctx: Context): AsyncGenerator<PackageSummary> {
  const index = await loadIndexes(snapshot, ctx);
  try {
    for (const summary of summaries(index, undefined, ctx)) yield summary;
  } finally {
    index.close();
  }
}

async function* mentioning(snapshot: Snapshot, { words, names }: WantedText, ctx: Context): AsyncGenerator<PackageSummary> {
  const index = await loadIndexes(snapshot, ctx);
  try {
    const found = index.mentioning(words);
    const named = [...names].flatMap((name) => [...index.byName(name)]);
    const rows = found && [...new Set([...found, ...named])].sort((a, b) => a - b);
    for (const summary of summaries(index, rows, ctx)) yield summary;
  } finally {
    index.close();
  }
}

/** @param rows of the packages; undefined: all. */
function* summaries(index: PackagesIndex, rows: readonly number[] | undefined, ctx: Context): Generator<PackageSummary> {
  const count = rows?.length ?? index.count;
  for (let at = 0; at < count; at++) {
    if (at % PACKAGES_PER_CHECK === 0) {
      ctx.signal.throwIfAborted();
      index.release();
    }
    const i = rows === undefined ? at : rows[at]!;
    yield { name: index.name(i), version: index.version(i), arch: index.arch(i), ...textOf(index.field(i, 'description')) };
  }
}

async function describe(snapshot: Snapshot, name: string, ctx: Context): Promise<CatalogueEntry> {
  const index = await loadIndexes(snapshot, ctx);
  try {
    return entryOf(index, name, snapshot.repository.id);
  } finally {
    index.close();
  }
}

function entryOf(index: PackagesIndex, name: string, repository: string): CatalogueEntry {
  const own = [...index.byName(name)];
  const providers = [...index.providersOf(name)].filter((i) => !own.includes(i));
  return {
    packages: own.map((i) => describePackage(index, i, repository)),
    providers: providers.flatMap((i) =>
      providedAs(index, i, name).map((provides) => ({ name: index.name(i), version: index.version(i), arch: index.arch(i), provides })),
    ),
  };
}

function describePackage(index: PackagesIndex, i: number, repository: string): PackageDescription {
  const maintainer = index.field(i, 'maintainer');
  const homepage = index.field(i, 'homepage');
  return {
    ...index.record(i, repository),
    ...textOf(index.field(i, 'description')),
    source: index.source(i),
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(homepage === undefined ? {} : { homepage }),
    details: fieldsOf(index, i, DETAILS),
    relations: fieldsOf(index, i, RELATIONS),
  };
}

/** How a package provides a name; nothing when its Provides cannot be read. */
function providedAs(index: PackagesIndex, i: number, name: string): readonly string[] {
  try {
    return index
      .provides(i)
      .filter((provided) => provided.name === name)
      .map(formatProvided);
  } catch (error) {
    if (hasCode(error, 'ICT_DEB_RELATION_INVALID')) return [];
    throw error;
  }
}

function fieldsOf(index: PackagesIndex, i: number, fields: readonly string[]): readonly PackageField[] {
  return fields.flatMap((field) => {
    const text = index.field(i, field.toLowerCase() as IndexedField)?.replaceAll(/\s+/g, ' ');
    return text === undefined || text === '' ? [] : [{ field, text }];
  });
}

/** A Description field as plain text: its first line, and the rest without the blank that begins each line; ` .` is an empty line. */
function textOf(description = ''): Pick<PackageSummary, 'summary' | 'description'> {
  if (!description.includes('\n')) return { summary: description.trim() };
  const [summary = '', ...rest] = description.split(/\r?\n/);
  const text = rest
    .map((line) => line.replace(/^[ \t]/, '').trimEnd())
    .map((line) => (line === '.' ? '' : line))
    .join('\n')
    .trim();
  return { summary: summary.trim(), ...(text === '' ? {} : { description: text }) };
}
