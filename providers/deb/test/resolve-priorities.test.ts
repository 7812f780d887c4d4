import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AptResolver } from '@ict/fixtures';
import { parseRelease } from '../src/metadata/release.js';
import { DEFAULT_PRIORITY } from '../src/resolve/resolve-solvables.js';
import { parseIndex, resolveChecked } from './checked-resolution.js';
import { indexText, type CasePackage } from './resolve-case-file.js';

interface Suite {
  readonly name: string;
  readonly codename: string;
  readonly release?: Readonly<Record<string, string>>;
  readonly packages: readonly CasePackage[];
}

const needs = (text: string) => [`Depends: ${text}`];

/** Suites as Debian has them: one ordinary, backports, one that nothing is taken from by itself, and security. */
const SUITES: readonly Suite[] = [
  {
    name: 'stable',
    codename: 'trixie',
    packages: [
      { name: 'tool', version: '1.0' },
      { name: 'tool-doc', version: '1.0' },
      { name: 'tool-extra', version: '1.0', fields: needs('library') },
      { name: 'library', version: '1.0' },
      { name: 'client', version: '1.0', fields: needs('tool') },
      { name: 'first-mta', version: '1.0', fields: ['Provides: mta'] },
      { name: 'second-mta', version: '1.0', fields: ['Provides: mta'] },
      { name: 'mailer', version: '1.0', fields: needs('mta') },
    ],
  },
  {
    name: 'stable-backports',
    codename: 'trixie-backports',
    release: { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' },
    packages: [
      { name: 'tool', version: '2.0', fields: needs('library (>= 2)') },
      { name: 'library', version: '2.0' },
      { name: 'both', version: '5.0' },
      { name: 'only-there', version: '1.0', fields: needs('tool') },
    ],
  },
  {
    name: 'experimental',
    codename: 'rc-buggy',
    release: { NotAutomatic: 'yes' },
    packages: [
      { name: 'tool', version: '3.0~rc1' },
      { name: 'library', version: '3.0' },
      { name: 'both', version: '9.0' },
      { name: 'rare', version: '0.1', fields: needs('library') },
    ],
  },
  { name: 'stable-security', codename: 'trixie-security', packages: [{ name: 'first-mta', version: '1.1', fields: ['Provides: mta'] }] },
];

const releaseOf = ({ name, codename, release = {} }: Suite) => ({ Suite: name, Codename: codename, ...release });

/** What a Release file of these fields says, as the metadata source reads it. */
const priorityOf = (suite: Suite) => {
  const fields = Object.entries({ Date: 'Thu, 01 Jan 2026 00:00:00 UTC', ...releaseOf(suite) }).map(
    ([name, value]) => `${name}: ${value}\n`,
  );
  return parseRelease(`${fields.join('')}SHA256:\n ${'0'.repeat(64)} 1 Packages\n`, suite.name).priority;
};

let directory: string;
let apt: AptResolver;
let pinned: AptResolver;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-priorities-'));
  const sources = await Promise.all(
    SUITES.map(async (suite) => {
      const packages = join(directory, suite.name);
      await writeFile(packages, indexText(suite.packages));
      return { packages, release: releaseOf(suite) };
    }),
  );
  apt = await AptResolver.create(join(directory, 'apt'), sources, 'amd64');
  const preferences = 'Package: *\nPin: release a=stable-backports\nPin-Priority: 700\n';
  pinned = await AptResolver.create(join(directory, 'apt-pinned'), sources, 'amd64', preferences);
});
afterAll(() => rm(directory, { recursive: true }));

/** @param own priorities that a template gives, by suite. */
function ours(request: string, own: Readonly<Record<string, number>> = {}): readonly string[] {
  const resolution = resolveChecked({
    repositories: SUITES.map((suite) => ({
      id: suite.name,
      suites: [suite.name, suite.codename],
      priority: own[suite.name] ?? priorityOf(suite) ?? DEFAULT_PRIORITY,
      index: parseIndex(indexText(suite.packages)),
    })),
    arch: 'amd64',
    seeds: request.split(' ').map((each) => ({ request: each, reason: 'template' })),
    recommends: false,
  });
  if (resolution.kind === 'unsolvable') return ['no solution'];
  return resolution.closure.packages.map(({ name, version }) => `${name} ${version}`);
}

async function theirs(request: string, oracle: AptResolver): Promise<readonly string[]> {
  try {
    return (await oracle.choose(request.split(' '), false)).map(({ name, version }) => `${name} ${version}`);
  } catch {
    return ['no solution'];
  }
}

describe('priorities of suites, against apt-get', () => {
  it('are what apt gives them', () => {
    expect(SUITES.map(priorityOf)).toEqual([undefined, 100, 1, undefined]);
  });

  it.each([
    'tool',
    'client',
    'both',
    'only-there',
    'rare',
    'tool=2.0',
    'tool=2*',
    'tool=3*',
    'library=*',
    'tool=1.*',
    'tool=7*',
    'tool/stable-backports',
    'tool/trixie-backports',
    'tool/experimental',
    'client tool/stable-backports',
    'tool/nowhere',
    'library/experimental tool/stable-backports',
    // An update of one provider does not put it before the others.
    'mailer',
    'mailer first-mta',
  ])('%s', async (request) => {
    expect(ours(request)).toEqual(await theirs(request, apt));
  });

  it.each(['tool', 'client', 'both', 'rare', 'tool=1.0'])('%s, with a priority of its own for backports', async (request) => {
    expect(ours(request, { 'stable-backports': 700 })).toEqual(await theirs(request, pinned));
  });
});

describe('patterns', () => {
  it.each([
    ['tool*', ['library 1.0', 'tool-doc 1.0', 'tool-extra 1.0', 'tool 1.0']],
    ['tool-???', ['tool-doc 1.0']],
    ['tool-[a-d]*', ['tool-doc 1.0']],
    ['tool-[!d]*', ['library 1.0', 'tool-extra 1.0']],
    ['bo[t]h', ['both 5.0']],
    ['nothing*', ['no solution']],
  ])('%s asks for every package of such a name', (request, packages) => {
    expect(ours(request)).toEqual(packages);
  });
});
