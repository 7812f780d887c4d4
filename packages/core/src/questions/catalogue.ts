import { askIfMeant, nearestNames, suiteNames } from '@ict/package-index';
import { isIctError } from '@ict/plugin-api';
import type {
  CatalogueEntry,
  CatalogueScope,
  PackageDescription,
  PackageRecord,
  PackageStanding,
  PackageSummary,
  Provider,
  Snapshot,
} from '@ict/plugin-api';
import { hasUpdate, readAdvisories } from './advisories.js';
import type { PackageMatch, SearchDocument, ShowDocument } from './answers.js';
import { readChangelogs } from './changelogs.js';
import type { PackageNames, SearchOptions, ShowOptions } from '../engine-api.js';
import { coreError } from '../errors.js';
import type { Lock } from '../locks/lock.js';
import { askedSuite, askedVersion, asksForVersion, seedName } from '../locks/request-spelling.js';
import { readEach, readPinned, type PinnedMetadata } from '../repositories/pinned-metadata.js';
import type { Services } from '../services.js';

/** What both questions need. */
export interface CatalogueQuestion extends Omit<CatalogueScope, 'names'> {
  readonly target: string;
  readonly provider: Provider;
  /** Tells which packages the image has; undefined when nothing is locked. */
  readonly lock: Lock | undefined;
}

/** How many packages a search names where nobody says. */
const SEARCH_LIMIT = 100;

/**
 * Packages that have every word, whatever its case, in name, summary or description, or that provide the only word: first the one of that
 * name, then those whose name begins with the first word and has all, then those with all words in the name, then the others, each by name.
 *
 * @throws `ICT_CATALOGUE_MISSING` when the provider has none.
 */
export async function answerSearch(
  words: readonly string[],
  question: CatalogueQuestion,
  services: Memory,
  { limit = SEARCH_LIMIT }: Pick<SearchOptions, 'limit'> = {},
): Promise<SearchDocument> {
  const { target, provider, snapshots, lock } = question;
  const wanted = words.map((word) => word.toLowerCase());
  const has = (text: string): boolean => wanted.every((word) => text.includes(word));
  const found = new Map<string, Match>();
  const catalogue = catalogueOf(provider);
  await readEach(snapshots, async (snapshot) => {
    const providers = words.length === 1 ? (await catalogue.describe(snapshot, words[0]!, services.context)).providers : [];
    const providing = new Set(providers.map(({ name }) => name));
    const wantedText = { words, names: providing };
    const may = catalogue.mentioning?.(snapshot, wantedText, services.context) ?? catalogue.list(snapshot, services.context);
    for await (const pkg of may) {
      const { name, summary, description = '' } = pkg;
      const inName = has(name.toLowerCase());
      if (!inName && !providing.has(name) && !has(`${name}\n${summary}\n${description}`.toLowerCase())) continue;
      const known = found.get(name) ?? { inName, versions: [] };
      known.versions.push({ ...pkg, repository: snapshot.repository.id });
      found.set(name, known);
    }
  });
  const rank = (name: string, { inName }: Match): number => {
    if (!inName) return 3;
    if (wanted.length === 1 && name.toLowerCase() === wanted[0]) return 0;
    return name.toLowerCase().startsWith(wanted[0]!) ? 1 : 2;
  };
  const ordered = [...found].sort(([a, x], [b, y]) => rank(a, x) - rank(b, y) || (a < b ? -1 : 1)).slice(0, limit);
  const shown = ordered.map(([name]) => name);
  const withheld = await withheldOf(shown, question, services);
  return {
    schemaVersion: 1,
    target,
    words,
    found: found.size,
    packages: ordered.map(([name, { versions }]) => matchOf(name, newestFirst(versions, provider), lock, withheld)),
    nearest: ordered.length > 0 || words.length !== 1 ? [] : nearestNames(words[0]!, await namesIn(snapshots, provider, services)),
  };
}

/**
 * Every package of a name, the newest first, or what provides the name.
 *
 * @param wanted `name`, `name:arch`, `name.arch`, `name=version` (with or without its release, or a pattern) or `name/suite`.
 * @throws `ICT_PACKAGE_UNKNOWN` with the nearest names, `ICT_CATALOGUE_MISSING`.
 */
export async function answerShow(
  wanted: string,
  question: CatalogueQuestion,
  services: Memory,
  { changelog = false }: Pick<ShowOptions, 'changelog'> = {},
): Promise<ShowDocument> {
  const { target, provider, snapshots, lock } = question;
  const version = askedVersion(wanted);
  const suite = askedSuite(wanted);
  const named = seedName(wanted);
  const { found, name, arch } = await findNamed(named, question, services);
  const meant = snapshots.filter((snapshot) => suite === undefined || suiteNames(snapshot).includes(suite));
  const places = new Set(meant.map(({ repository }) => repository.id));
  const there = found.packages.filter((pkg) => (arch ?? pkg.arch) === pkg.arch && places.has(pkg.repository));
  const same = there.filter((pkg) => pkg.version === version);
  const packages = same.length > 0 ? same : there.filter((pkg) => asksForVersion(wanted, pkg) !== false);
  const exact = version !== undefined || arch !== undefined || suite !== undefined;
  if (packages.length === 0 && (exact || found.providers.length === 0)) {
    const known = tellVersions(found.packages);
    const providers = found.providers.map((pkg) => `${pkg.name} ${pkg.version}`).join(', ');
    const names = known + providers === '' ? await namesIn(snapshots, provider, services) : [];
    const hint = known === '' ? providers !== '' && `It is no package; it is provided by ${providers}.` : `There is ${known}.`;
    throw coreError('ICT_PACKAGE_UNKNOWN', {
      message: known === '' ? `no repository has a package "${wanted}"` : `no repository has ${tellWanted(name, version, arch, suite)}`,
      hint: hint || (askIfMeant(nearestNames(named, names)) ?? 'Look for it with `ict search`.'),
      facts: { wanted },
    });
  }
  const inImage = (pkg: PackageDescription): boolean =>
    lock?.packages.some(({ name, version: locked, arch: own }) => name === pkg.name && locked === pkg.version && own === pkg.arch) === true;
  const withheld = await withheldOf(
    packages.map(({ name }) => name),
    question,
    services,
  );
  const standings = await standingsOf(packages, question, services);
  const advisories = await advisoriesOf(packages, exact, question, services);
  const changelogs = changelog ? await readChangelogs(packages, snapshots, provider, services.context) : undefined;
  const told = (pkg: PackageDescription): Pick<ShowDocument['packages'][number], 'changelog'> => {
    const entries = changelogs?.get(pkg);
    return entries === undefined ? {} : { changelog: entries };
  };
  return {
    schemaVersion: 1,
    target,
    asked: wanted,
    packages: newestFirst(packages, provider).map((pkg) => ({
      ...pkg,
      inImage: inImage(pkg),
      ...reasonIn(withheld, pkg),
      ...standings.get(keyOf(pkg)),
      ...told(pkg),
    })),
    providers: exact ? [] : found.providers,
    ...(advisories === undefined ? {} : { advisories }),
  };
}

/**
 * The packages that provide a name, in the repositories as a lock pins them. Where these cannot be read, a warning says so, and there are none.
 *
 * @param pin the repositories.
 */
export async function findProviders(
  name: string,
  { catalogue }: Pick<Provider, 'catalogue'>,
  pin: () => Promise<PinnedMetadata>,
  { context }: Memory,
): Promise<CatalogueEntry['providers']> {
  if (catalogue === undefined) return [];
  try {
    return await readPinned(await pin(), async (snapshots, reading) => {
      const entries: CatalogueEntry[] = [];
      for (const snapshot of snapshots) entries.push(await catalogue.describe(snapshot, name, reading));
      return entries.flatMap(({ providers }) => providers);
    });
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isIctError(error)) throw error;
    const { code, message, hint } = error;
    const warning = { type: 'warning' as const, code, message: `which packages provide ${name} is not known: ${message}` };
    context.emit(hint === undefined ? warning : { ...warning, hint });
    return [];
  }
}

/**
 * Names that people may complete: those of the repositories, and those of the lock, both sorted. What repositories have is remembered by
 * their signed roots.
 *
 * @throws `ICT_CATALOGUE_MISSING` when the provider has none.
 */
export async function answerNames(
  { provider, snapshots, lock }: Pick<CatalogueQuestion, 'provider' | 'snapshots' | 'lock'>,
  services: Memory,
): Promise<PackageNames> {
  const roots = snapshots.map(({ root }) => root.digest);
  const { memo } = services.context;
  const known = (await memo.get('package-names', roots)) as readonly string[] | undefined;
  const names = known ?? [...(await namesIn(snapshots, provider, services))].sort();
  if (known === undefined) await memo.set('package-names', roots, names);
  return { all: names, locked: [...new Set(lock?.packages.map(({ name }) => name))].sort() };
}

type Memory = Pick<Services, 'context'>;

type LocatedEntry = Pick<ShowDocument, 'providers'> & Pick<CatalogueEntry, 'packages'>;

type FoundVersion = PackageSummary & { readonly repository: string };

interface Match {
  readonly inName: boolean;
  readonly versions: FoundVersion[];
}

function catalogueOf({ catalogue, ecosystem }: Provider) {
  if (catalogue !== undefined) return catalogue;
  throw coreError('ICT_CATALOGUE_MISSING', {
    message: `the plugin for ${ecosystem} packages cannot be searched`,
    hint: 'Use a version of the plugin that has a catalogue.',
    facts: { ecosystem },
  });
}

/** Why packages are withheld, by what tells them apart. */
type Withheld = ReadonlyMap<string, string>;

type PackageKey = Pick<PackageRecord, 'name' | 'version' | 'arch' | 'repository'>;

const keyOf = ({ name, version, arch, repository }: PackageKey): string => [name, version, arch, repository].join(' ');

async function withheldOf(names: Iterable<string>, question: CatalogueQuestion, { context }: Memory): Promise<Withheld> {
  const { provider, arch, distribution, snapshots, seeds } = question;
  const scope: CatalogueScope = { names: new Set(names), arch, distribution, snapshots, seeds };
  const found = scope.names.size === 0 ? [] : await provider.catalogue?.withheld?.(scope, context);
  return new Map(found?.map((pkg) => [keyOf(pkg), pkg.reason]));
}

function reasonIn(withheld: Withheld, pkg: PackageKey): { readonly withheld?: string } {
  const reason = withheld.get(keyOf(pkg));
  return reason === undefined ? {} : { withheld: reason };
}

/** How packages stand beside others of their names, by what tells them apart. */
async function standingsOf(
  packages: readonly PackageDescription[],
  { provider, arch, distribution, snapshots, seeds }: CatalogueQuestion,
  { context }: Memory,
): Promise<ReadonlyMap<string, Pick<PackageStanding, 'candidate' | 'passedOver' | 'priority'>>> {
  const names = new Set(packages.map(({ name }) => name));
  const found = names.size === 0 ? [] : await provider.catalogue?.standings?.({ names, arch, distribution, snapshots, seeds }, context);
  return new Map(
    found?.map(({ candidate, passedOver, priority, ...pkg }) => [
      keyOf(pkg),
      { candidate, ...(passedOver === undefined ? {} : { passedOver }), ...(priority === undefined ? {} : { priority }) },
    ]),
  );
}

/** @param exact only advisories that name one of these very packages. */
async function advisoriesOf(
  packages: readonly PackageDescription[],
  exact: boolean,
  { provider, lock, arch, distribution, snapshots, seeds }: CatalogueQuestion,
  { context }: Memory,
): Promise<ShowDocument['advisories']> {
  const names = new Set(packages.map(({ name }) => name));
  const found = await readAdvisories({ names, arch, distribution, snapshots, seeds }, provider, context);
  const shown = found?.filter((advisory) =>
    advisory.packages.some((one) => !exact || packages.some((pkg) => pkg.version === one.version && pkg.arch === one.arch)),
  );
  return shown?.map((advisory) => {
    const inImage = hasUpdate(advisory, lock?.packages ?? [], provider.resolver);
    return inImage === undefined ? advisory : { ...advisory, inImage };
  });
}

function matchOf(name: string, versions: readonly FoundVersion[], lock: Lock | undefined, withheld: Withheld): PackageMatch {
  const chosen = lock?.packages.find((pkg) => pkg.name === name)?.version;
  return {
    name,
    summary: versions[0].summary,
    versions: versions.map((pkg) => ({ version: pkg.version, arch: pkg.arch, repository: pkg.repository, ...reasonIn(withheld, pkg) })),
    ...(chosen === undefined ? {} : { chosen }),
  };
}

async function describeIn(name: string, { provider, snapshots }: CatalogueQuestion, { context }: Memory): Promise<LocatedEntry> {
  const entries: LocatedEntry[] = [];
  await readEach(snapshots, async (snapshot) => {
    const { packages, providers } = await catalogueOf(provider).describe(snapshot, name, context);
    entries.push({ packages, providers: providers.map((pkg) => ({ ...pkg, repository: snapshot.repository.id })) });
  });
  return { packages: entries.flatMap(({ packages }) => packages), providers: entries.flatMap(({ providers }) => providers) };
}

/** What repositories have of a name, or of the name before an architecture. A dot is also part of names: there must be such a package then. */
async function findNamed(
  named: string,
  question: CatalogueQuestion,
  services: Memory,
): Promise<{ readonly found: LocatedEntry; readonly name: string; readonly arch?: string }> {
  const found = await describeIn(named, question, services);
  const [, name, sign, arch] = /^(.+)([:.])([^:.]+)$/.exec(named) ?? [];
  if (!isEmpty(found) || name === undefined) return { found, name: named };
  const qualified = await describeIn(name, question, services);
  const isQualified = sign === ':' || qualified.packages.some((pkg) => pkg.arch === arch);
  return isQualified ? { found: qualified, name, arch } : { found, name: named };
}

/** Each version once, with the repositories that have it. */
function tellVersions(packages: readonly PackageDescription[]): string {
  const places = new Map<string, string[]>();
  for (const { name, arch, version, repository } of packages) {
    const id = `${name}:${arch} ${version}`;
    places.set(id, [...(places.get(id) ?? []), repository]);
  }
  return [...places].map(([id, repositories]) => `${id} (${repositories.join(', ')})`).join(', ');
}

/** A package that is not there as it was asked for, though others of its name are. */
function tellWanted(name: string, version: string | undefined, arch: string | undefined, suite: string | undefined): string {
  const place = suite === undefined ? '' : ` in ${suite}`;
  return `${version === undefined ? '' : `version ${version} of `}${name}${arch === undefined ? '' : ` for ${arch}`}${place}`;
}

function isEmpty({ packages, providers }: LocatedEntry): boolean {
  return packages.length === 0 && providers.length === 0;
}

async function namesIn(snapshots: readonly Snapshot[], provider: Provider, { context }: Memory): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  await readEach(snapshots, async (snapshot) => {
    for await (const { name } of catalogueOf(provider).list(snapshot, context)) names.add(name);
  });
  return names;
}

/** By the ecosystem's order of versions; of equal ones, and where it has no order, the first repository comes first. */
function newestFirst<T extends { readonly version: string }>(packages: readonly T[], { resolver }: Provider): readonly T[] {
  return [...packages].sort((a, b) => resolver.compareVersions?.(b.version, a.version) ?? 0);
}
