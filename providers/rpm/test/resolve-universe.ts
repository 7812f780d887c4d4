import type { FavouredPackage, Resolution, Seed } from '@ict/plugin-api';
import { formatEvr, parseEvr } from '../src/relations/evr.js';
import type { PackagesIndex, PrimaryPackage } from '../src/metadata/packages-index.js';
import { RelationTable } from '../src/relations/relation.js';
import { isRich } from '../src/relations/rich.js';
import type { RelationKind } from '../src/package/tags.js';
import { parsePrimary, resolveChecked } from './checked-resolution.js';

/** A package as a line or two: `name-1-1.noarch`, and relations by kind. */
export interface TestPackage {
  readonly nevra: string;
  readonly files?: readonly string[];
  readonly relations?: Readonly<Partial<Record<RelationKind, readonly string[]>>>;
}

export interface TestRepository {
  readonly packages: readonly TestPackage[];
  readonly priority?: number;
  readonly cost?: number;
  readonly allow?: readonly string[];
  readonly exclude?: readonly string[];
}

/** `name-[epoch:]version-release.arch` taken apart. */
export function splitNevra(nevra: string): Pick<PrimaryPackage, 'name' | 'evr' | 'arch'> {
  const match = /^(.+)-([^-]+-[^-]+)\.([^.]+)$/.exec(nevra)!;
  return { name: match[1]!, evr: parseEvr(match[2]!), arch: match[3]! };
}

const FLAGS: Readonly<Record<string, string>> = { '<': 'LT', '<=': 'LE', '=': 'EQ', '>=': 'GE', '>': 'GT' };
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** The packages as primary.xml. */
export function toPrimaryXml(packages: readonly TestPackage[]): string {
  const evr = (text: string): string => {
    const { epoch, version, release } = parseEvr(text);
    return `epoch="${epoch}" ver="${version}"${release === undefined ? '' : ` rel="${release}"`}`;
  };
  const entry = (text: string): string => {
    const [name, sign, version] = text.split(' ');
    if (isRich(text) || sign === undefined) return `<rpm:entry name="${escaped(text)}"/>`;
    return `<rpm:entry name="${escaped(name!)}" flags="${FLAGS[sign]}" ${evr(version!)}/>`;
  };
  const made = packages.map(({ nevra, files = [], relations = {} }, at) => {
    const { name, arch, evr: own } = splitNevra(nevra);
    const lists = Object.entries(relations).map(([kind, texts]) => `<rpm:${kind}>${texts.map(entry).join('')}</rpm:${kind}>`);
    return [
      `<package type="rpm"><name>${name}</name><arch>${arch}</arch><version ${evr(formatEvr(own))}/>`,
      `<checksum type="sha256" pkgid="YES">${at.toString(16).padStart(64, '0')}</checksum><size package="1" installed="1"/>`,
      `<location href="Packages/${escaped(nevra)}.rpm"/><format>${lists.join('')}${files.map((path) => `<file>${path}</file>`).join('')}</format></package>`,
    ].join('');
  });
  return `<metadata xmlns:rpm="rpm">${made.join('')}</metadata>`;
}

export function toIndex(packages: readonly TestPackage[], table: RelationTable): PackagesIndex {
  return parsePrimary(toPrimaryXml(packages), table);
}

const TOOLS = ['a', 'nothing', 'b'].map((name) => ({ name, kind: 'mandatory' as const, requires: '', isOfMachine: false }));

export function resolveIn(
  repositories: readonly TestRepository[],
  requests: readonly string[],
  recommends = true,
  favour: readonly FavouredPackage[] = [],
): Resolution {
  const table = new RelationTable();
  return resolveChecked({
    repositories: repositories.map(({ packages, priority = 0, cost = 1000, allow = [], exclude = [] }, number) => {
      return { id: `repo${number}`, priority, cost, filter: { allow, exclude }, index: toIndex(packages, table) };
    }),
    arch: 'x86_64',
    seeds: requests.map((request): Seed => ({ request, reason: 'template' })),
    collections: {
      comps: { groups: new Map([['tools', { id: 'tools', name: '', packages: TOOLS }]]), environments: new Map() },
    },
    table,
    recommends,
    favour,
  });
}

/** Chosen packages as `name-version.arch`, sorted; or the code of the first problem. */
export function answer(resolution: Resolution): string {
  if (resolution.kind === 'unsolvable') return resolution.problems[0]!.code;
  return resolution.closure.packages.map(({ name, version, arch }) => `${name}-${version}.${arch}`).join(' ');
}
