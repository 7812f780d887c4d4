import { AbsentFiles } from '@ict/package-index';
import type { Context, IndexRef, Json, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { joinDefaults } from './module-defaults.js';
import type { ModuleDefaults } from './module-defaults.js';
import { readIndex } from './read-index.js';
import { HIDING } from './repomd.js';
import { YamlDocuments } from './yaml-documents.js';

/** One build of a stream of a module. A repository may have several: of other versions, and of contexts that need other modules. */
export interface ModuleBuild {
  readonly name: string;
  readonly stream: string;
  /** Digits, more than a number can tell apart. */
  readonly version: string;
  readonly context: string;
  /** The architecture of rpm; empty when it is not said. */
  readonly arch: string;
  /** Alternatives, of which each says which streams of which modules it needs; `-stream` excludes one, no streams mean any. */
  readonly requires: readonly Readonly<Record<string, readonly string[]>>[];
  /** Names of packages, by profile. */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** Its packages: `name-epoch:version-release.arch`. */
  readonly artifacts: readonly string[];
  /** Names of its packages that are not of a module any more. */
  readonly demodularized: readonly string[];
}

/** The modules of repositories. */
export interface Modules {
  readonly builds: readonly ModuleBuild[];
  /** One of a module. */
  readonly defaults: readonly ModuleDefaults[];
}

/** Of one document, in UTF-16 units: ten times as long as any that is known. What is made of a document takes up to 300 times its room. */
const MAX_DOCUMENT = 2 ** 20;
const MEMO = 'rpm.modules';
/**
 * A line that is a closing quote and no more. The standard wants it indented; libyaml, which writes and reads modules, leaves it at the margin.
 * Nothing else can stand there, and blanks before the quote mean nothing.
 */
const QUOTE_AT_MARGIN = /^['"]$/gm;
const INDENTATION = ' '.repeat(64);

/**
 * Loads the modules of pinned repositories. What was read of equal metadata is remembered.
 *
 * @returns undefined when no repository has modules.
 * @throws `ICT_RPM_INDEX_*`, and what the fetcher throws.
 */
export async function loadModules(snapshots: readonly Snapshot[], ctx: Context): Promise<Modules | undefined> {
  const all: Modules[] = [];
  const absent = new AbsentFiles();
  for (const snapshot of snapshots) {
    // Nearly always one.
    for (const index of snapshot.indexes.filter(({ component }) => component === HIDING)) {
      const modules = await absent.without(modulesOf(snapshot.repository, index, ctx));
      if (modules !== undefined) all.push(modules);
    }
  }
  absent.refuse();
  if (all.length === 0) return undefined;
  return { builds: all.flatMap(({ builds }) => builds), defaults: joinDefaults(all.flatMap(({ defaults }) => defaults)) };
}

async function modulesOf(repository: RepositorySpec, index: IndexRef, ctx: Context): Promise<Modules> {
  const question: Json = { version: 5, digest: index.digest };
  const known = (await ctx.memo.get(MEMO, question)) as Modules | undefined;
  if (known !== undefined) return known;
  const reader = await createModulesReader(`${index.path} of repository "${repository.id}"`);
  await readIndex(repository, index, ctx, (chunk) => reader.write(chunk));
  const modules = reader.end();
  await ctx.memo.set(MEMO, question, modules as unknown as Json);
  return modules;
}

/** Reads modules.yaml piece by piece; of its text it holds one document at a time. */
export interface ModulesReader {
  /** Takes the next bytes. @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: Uint8Array): void;
  /** @throws `ICT_RPM_INDEX_INVALID` */
  end(): Modules;
}

/**
 * Reads modules.yaml: documents `modulemd` of versions 1 and 2, and `modulemd-defaults` of version 1. Others, such as those about the end of streams,
 * say nothing of what may be installed.
 *
 * @param source names the file in messages.
 */
export async function createModulesReader(source: string): Promise<ModulesReader> {
  const { parseAllDocuments } = await import('yaml');
  const builds: ModuleBuild[] = [];
  // Of one module the last document counts.
  const defaults = new Map<string, ModuleDefaults>();
  const documents = new YamlDocuments(
    (text) => {
      const indented = text.replace(QUOTE_AT_MARGIN, (quote) => `${INDENTATION}${quote}`);
      // All scalars are texts: a stream `1.10` is no number.
      for (const document of parseAllDocuments(indented, { schema: 'failsafe', prettyErrors: false })) {
        const [error] = document.errors;
        if (error !== undefined) throw invalid(source, error.message);
        const { document: kind, version, data } = mapOf(contentOf(document, source));
        if (kind === 'modulemd' && (version === '1' || version === '2')) builds.push(readBuild(mapOf(data), source));
        else if (kind === 'modulemd-defaults' && version === '1') {
          const read = readDefaults(mapOf(data), source);
          defaults.set(read.name, read);
        } else if (kind === 'modulemd') throw invalid(source, `it has a module of version ${String(version)}`);
      }
    },
    { length: MAX_DOCUMENT, error: () => invalid(source, `a document in it is longer than ${MAX_DOCUMENT} characters`) },
  );
  return {
    write: (chunk) => documents.write(chunk),
    end: () => {
      documents.end();
      return { builds, defaults: [...defaults.values()] };
    },
  };
}

/** @throws `ICT_RPM_INDEX_INVALID` for aliases that name nothing, or that grow without bound. */
function contentOf(document: { toJS(): unknown }, source: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw invalid(source, cause instanceof Error ? cause.message : String(cause));
  }
}

function readBuild(data: Readonly<Record<string, unknown>>, source: string): ModuleBuild {
  const { name, stream, version, context, arch, dependencies, profiles, artifacts, demodularized } = data;
  if (!isText(name) || !isText(stream)) throw invalid(source, 'a module has no name or stream');
  return {
    name,
    stream,
    version: isText(version) ? version : '0',
    context: isText(context) ? context : '',
    arch: isText(arch) ? arch : '',
    requires: alternativesOf(dependencies).map((each) => mapValues(mapOf(mapOf(each)['requires']), textsOf)),
    profiles: mapValues(mapOf(profiles), (profile) => textsOf(mapOf(profile)['rpms'])),
    artifacts: textsOf(mapOf(artifacts)['rpms']),
    demodularized: textsOf(mapOf(demodularized)['rpms']),
  };
}

/** What a module needs: in version 2 a list of alternatives, with streams of each module; in version 1 a single one, with one stream of each. */
function alternativesOf(dependencies: unknown): readonly unknown[] {
  return Array.isArray(dependencies) ? dependencies : [dependencies];
}

function readDefaults(data: Readonly<Record<string, unknown>>, source: string): ModuleDefaults {
  const { module: name, stream, profiles, modified } = data;
  if (!isText(name)) throw invalid(source, 'defaults of a module have no name');
  return {
    name,
    stream: isText(stream) ? stream : undefined,
    profiles: mapValues(mapOf(profiles), textsOf),
    modified: isText(modified) && /^\d+$/.test(modified) ? modified : '0',
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A list of texts; one text alone counts as a list of it. */
function textsOf(value: unknown): readonly string[] {
  return isText(value) ? [value] : listOf(value).filter(isText);
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

function mapValues<T>(map: Readonly<Record<string, unknown>>, read: (value: unknown) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, read(value)]));
}

function invalid(source: string, reason: string): Error {
  return rpmError('ICT_RPM_INDEX_INVALID', {
    message: `${source} cannot be read: ${reason}`,
    hint: 'The repository was published with broken metadata; report it to the repository.',
    facts: { source, reason },
  });
}
