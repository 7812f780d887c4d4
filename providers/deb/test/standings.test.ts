import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AptResolver } from '@ict/fixtures';
import { digestOf } from '@ict/integrity';
import type { CatalogueScope, DistributionDefinition, PackagePin, Snapshot } from '@ict/plugin-api';
import { fakeContext, memoryArchive } from '@ict/plugin-testkit';
import { compareDebVersions } from '../src/relations/version.js';
import { createCatalogue } from '../src/resolve/catalogue.js';
import { indexText } from './resolve-case-file.js';

const run = promisify(execFile);

/** Versions of packages by suite, in the order of a sources.list; `same` is in two of them in one version. */
const SUITES = {
  stable: { tool: '1.0', library: '1.0', other: '1.0', same: '1.0' },
  backports: { tool: '2.0', library: '2.1', late: '1.0' },
  vendor: { tool: '1.5', library: '0.9', other: '3.0', own: '1.0', same: '1.0' },
} as const;
const NAMES = ['tool', 'library', 'other', 'same', 'late', 'own'];
const NOT_AUTOMATIC = { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' };

/** What both say of a name: the version that would be taken, and all in their order, each with its priority and where it is. */
interface Policy {
  readonly candidate: string | undefined;
  readonly versions: readonly { readonly version: string; readonly priority: number | 'never'; readonly in: readonly string[] }[];
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-standings-'));
  for (const suite of Object.keys(SUITES) as (keyof typeof SUITES)[]) await writeFile(join(directory, suite), textOf(suite));
});
afterAll(() => rm(directory, { recursive: true }));

function textOf(suite: keyof typeof SUITES): string {
  return indexText(Object.entries(SUITES[suite]).map(([name, version]) => ({ name, version })));
}

async function aptCache(args: readonly string[], preferences = ''): Promise<string> {
  const sources = Object.keys(SUITES).map((suite) => ({
    packages: join(directory, suite),
    release: { Suite: suite, Codename: suite, Origin: `${suite}-origin`, ...(suite === 'backports' ? NOT_AUTOMATIC : {}) },
  }));
  const { env } = await AptResolver.create(await mkdtemp(join(directory, 'apt-')), sources, 'amd64', preferences);
  return (await run('apt-cache', args, { env: { ...process.env, ...env } })).stdout;
}

const suiteNumber = (number: string): string => Object.keys(SUITES)[Number(number)]!;

/** Reads what `apt-cache policy` prints. */
function readPolicy(text: string): Readonly<Record<string, Policy>> {
  const blocks = [...text.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (\S+)\n {2}Version table:\n((?: {4}.*\n)*)/gm)];
  return Object.fromEntries(
    blocks.map(([, name = '', candidate, table = '']) => [
      name,
      {
        candidate: candidate === '(none)' ? undefined : candidate,
        versions: [...table.matchAll(/^ {5}(\S+) (-?\d+)\n((?: {8}.*\n)*)/gm)].map(([, version = '', priority, places = '']) => ({
          version,
          priority: Number(priority) < 0 ? 'never' : Number(priority),
          in: [...places.matchAll(/repository-(\d+) /g)].map(([, number = '']) => suiteNumber(number)),
        })),
      },
    ]),
  );
}

function preferences(pins: readonly PackagePin[]): string {
  const target = ({ version, release, origin }: PackagePin): string =>
    version !== undefined ? `version ${version}` : release !== undefined ? `release a=${release}` : `release o=${origin ?? '*'}`;
  return pins.map((pin) => `Package: ${pin.packages.join(' ')}\nPin: ${target(pin)}\nPin-Priority: ${pin.priority}\n\n`).join('');
}

const address = (suite: string): string => `http://archive/dists/${suite}/main/Packages`;
const snapshotsWith = (more: Partial<Snapshot['repository']> & { readonly only?: string } = {}): readonly Snapshot[] => {
  const { only, ...rules } = more;
  return (Object.keys(SUITES) as (keyof typeof SUITES)[]).map((suite) => {
    const [digest, sizeBytes] = [digestOf(textOf(suite)), textOf(suite).length];
    const own = only === undefined || only === suite ? rules : {};
    return {
      repository: { id: suite, archive: 'http://archive', suite, components: ['main'], keyrings: [], ...own },
      root: {
        ...{ path: `dists/${suite}/InRelease`, digest, sizeBytes: 1, dateSeconds: 1, suite, codename: suite, origin: `${suite}-origin` },
        ...(suite === 'backports' ? { priority: 100 } : {}),
      },
      signers: ['AB'],
      indexes: [{ path: `dists/${suite}/main/Packages`, digest, sizeBytes, plain: { digest, sizeBytes } }],
    };
  });
};

async function asked(snapshots: readonly Snapshot[], requests: readonly string[] = []) {
  const files = Object.fromEntries((Object.keys(SUITES) as (keyof typeof SUITES)[]).map((suite) => [address(suite), textOf(suite)]));
  await using ctx = fakeContext({ archives: [memoryArchive(files)] });
  const catalogue = createCatalogue();
  const scope: CatalogueScope = {
    names: new Set(NAMES),
    arch: 'x86_64',
    distribution: {} as DistributionDefinition,
    snapshots,
    seeds: requests.map((request) => ({ request, reason: 'template' })),
  };
  return { standings: (await catalogue.standings?.(scope, ctx)) ?? [], withheld: (await catalogue.withheld?.(scope, ctx)) ?? [] };
}

/** What we say, in the form of apt-cache policy. */
async function ourPolicy(pins: readonly PackagePin[]): Promise<Readonly<Record<string, Policy>>> {
  const { standings, withheld } = await asked(snapshotsWith({ pins }));
  const all = [
    ...standings.map((one) => ({ ...one, priority: one.priority! })),
    ...withheld.map((one) => ({ ...one, priority: 'never' as const, candidate: false })),
  ];
  const order = Object.keys(SUITES);
  return Object.fromEntries(
    NAMES.map((name) => {
      const own = all.filter((one) => one.name === name).sort((a, b) => order.indexOf(a.repository) - order.indexOf(b.repository));
      const versions = [...Map.groupBy(own, ({ version }) => version)].sort(([a], [b]) => compareDebVersions(b, a));
      return [
        name,
        {
          candidate: own.find(({ candidate }) => candidate)?.version,
          versions: versions.map(([version, places]) => ({
            version,
            priority: places.reduce<number | 'never'>(
              (best, { priority }) => (best === 'never' || (priority !== 'never' && priority > best) ? priority : best),
              'never',
            ),
            in: places.map(({ repository }) => repository),
          })),
        },
      ];
    }),
  );
}

describe('how packages stand, against apt-cache policy', () => {
  it.each<[string, readonly PackagePin[]]>([
    ['without pins', []],
    ['a release for some', [{ packages: ['tool', 'l*'], release: 'backports', priority: 700 }]],
    ['an origin for some', [{ packages: ['library', 'tool'], origin: 'vendor-origin', priority: 900 }]],
    ['a version', [{ packages: ['tool', 'library'], version: '1.0', priority: 600 }]],
    ['everything of a release', [{ packages: ['*'], release: 'vendor', priority: 700 }]],
    ['nothing of an origin', [{ packages: ['other', 'own'], origin: 'vendor-origin', priority: -1 }]],
  ])('%s', async (_what, pins) => {
    expect(await ourPolicy(pins)).toEqual(readPolicy(await aptCache(['policy', ...NAMES], preferences(pins))));
  });

  it('a pin of one repository says nothing of the same version in another, where apt joins both', async () => {
    const pins = [{ packages: ['same'], origin: 'vendor-origin', priority: -1 }];
    expect(readPolicy(await aptCache(['policy', 'same'], preferences(pins)))['same']).toMatchObject({ candidate: undefined });
    expect((await ourPolicy(pins))['same']).toMatchObject({ candidate: '1.0' });
    const { withheld } = await asked(snapshotsWith({ pins }));
    expect(withheld.map(({ name, repository }) => `${name} ${repository}`)).toEqual(['same vendor']);
  });

  it('names every version where it is, as apt-cache madison', async () => {
    const lines = (await aptCache(['madison', ...NAMES])).trim().split('\n');
    const theirs = lines.map((line) => {
      const [name = '', version = '', place = ''] = line.split('|').map((part) => part.trim());
      return `${name} ${version} ${suiteNumber(/repository-(\d+)/.exec(place)![1]!)}`;
    });
    const { standings } = await asked(snapshotsWith());
    expect(standings.map(({ name, version, repository }) => `${name} ${version} ${repository}`).sort()).toEqual(theirs.sort());
  });
});

describe('how packages stand', () => {
  const tell = async (name: string, ...args: Parameters<typeof asked>) => {
    const { standings, withheld } = await asked(...args);
    return [
      ...standings
        .filter((one) => one.name === name)
        .map(({ version, repository, candidate, passedOver }) => `${version} ${repository}: ${candidate ? 'candidate' : passedOver}`),
      ...withheld
        .filter((one) => one.name === name)
        .map(({ version, repository, reason }) => `${version} ${repository}: withheld, ${reason}`),
    ];
  };

  it('says why another one comes first', async () => {
    expect(await tell('tool', snapshotsWith())).toEqual([
      '1.5 vendor: candidate',
      '1.0 stable: 1.5 is newer',
      '2.0 backports: 1.5 has priority 500',
    ]);
    expect(await tell('same', snapshotsWith())).toEqual(['1.0 stable: candidate', '1.0 vendor: repository "stable" comes first']);
  });

  it('says what is asked for exactly', async () => {
    expect(await tell('tool', snapshotsWith(), ['library', 'tool=1.0'])).toEqual([
      '1.5 vendor: "tool=1.0" is asked for',
      '1.0 stable: candidate',
      '2.0 backports: "tool=1.0" is asked for',
    ]);
    expect(await tell('tool', snapshotsWith(), ['tool/backports'])).toContain('2.0 backports: candidate');
  });

  it('says what is withheld, and chooses among the rest', async () => {
    expect(await tell('tool', snapshotsWith({ only: 'vendor', excludePackages: ['tool'] }))).toEqual([
      '1.0 stable: candidate',
      '2.0 backports: 1.0 has priority 500',
      '1.5 vendor: withheld, "excludePackages" of repository "vendor" names it',
    ]);
    expect(await tell('own', snapshotsWith({ only: 'vendor', priority: -5 }))).toEqual([
      '1.0 vendor: withheld, repository "vendor" has priority -5',
    ]);
  });
});
