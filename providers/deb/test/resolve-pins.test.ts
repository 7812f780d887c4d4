import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AptResolver } from '@ict/fixtures';
import type { PackagePin } from '@ict/plugin-api';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { readPins } from '../src/resolve/resolve-pins.js';
import { Pool } from '../src/resolve/resolve-pool.js';
import { indexText } from './resolve-case-file.js';

const run = promisify(execFile);

/** Versions of packages by suite; each suite is of an origin of its own. */
const SUITES = {
  stable: { tool: '1.0', 'tool-doc': '1.0', library: '1.0', other: '1.0' },
  backports: { tool: '2.0', 'tool-doc': '2.0', library: '2.1' },
  vendor: { tool: '1.5', library: '0.9', other: '3.0', own: '1.0' },
} as const;
const NAMES = ['tool', 'tool-doc', 'library', 'other', 'own'];
const PRIORITIES: Readonly<Record<string, number>> = { stable: 500, backports: 100, vendor: 500 };

const indexOf = (packages: Readonly<Record<string, string>>): string =>
  indexText(Object.entries(packages).map(([name, version]) => ({ name, version })));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-pins-'));
  for (const [suite, packages] of Object.entries(SUITES)) await writeFile(join(directory, suite), indexOf(packages));
});
afterAll(() => rm(directory, { recursive: true }));

/** A file of preferences that says the same. */
function preferences(pins: readonly PackagePin[]): string {
  const target = ({ version, release, origin }: PackagePin): string =>
    version !== undefined ? `version ${version}` : release !== undefined ? `release a=${release}` : `release o=${origin ?? '*'}`;
  return pins.map((pin) => `Package: ${pin.packages.join(' ')}\nPin: ${target(pin)}\nPin-Priority: ${pin.priority}\n\n`).join('');
}

/** What apt would install of each name, `(none)` where nothing. */
async function theirs(pins: readonly PackagePin[]): Promise<Readonly<Record<string, string>>> {
  const sources = Object.keys(SUITES).map((suite) => ({
    packages: join(directory, suite),
    release: {
      Suite: suite,
      Codename: suite,
      Origin: `${suite}-origin`,
      ...(suite === 'backports' ? { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' } : {}),
    },
  }));
  const place = await mkdtemp(join(directory, 'apt-'));
  const { env } = await AptResolver.create(place, sources, 'amd64', preferences(pins));
  const { stdout } = await run('apt-cache', ['policy', ...NAMES], { env: { ...process.env, ...env } });
  return Object.fromEntries(
    [...stdout.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (\S+)$/gm)].map(([, name, version]) => [name, version]),
  );
}

function ours(pins: readonly PackagePin[]): Readonly<Record<string, string>> {
  const pool = new Pool(
    Object.entries(SUITES).map(([suite, packages]) => ({
      id: suite,
      suites: [suite],
      priority: PRIORITIES[suite]!,
      pins: readPins(pins, { names: [suite], origin: `${suite}-origin` }),
      index: PackagesIndex.parse(Buffer.from(indexOf(packages))),
    })),
    'amd64',
  );
  return Object.fromEntries(NAMES.map((name) => [name, pool.offered(name).map((each) => pool.version(each))[0] ?? '(none)']));
}

describe('pins, against apt-cache policy', () => {
  it.each<[string, readonly PackagePin[]]>([
    ['none', []],
    ['of a release', [{ packages: ['tool'], release: 'backports', priority: 700 }]],
    ['of a pattern of names', [{ packages: ['tool*'], release: 'backports', priority: 700 }]],
    ['of other patterns', [{ packages: ['t[!x]ol', 'lib??ry'], release: 'backports', priority: 700 }]],
    ['of several names', [{ packages: ['library', 'tool-doc'], release: 'backports', priority: 501 }]],
    ['of an origin', [{ packages: ['library', 'tool'], origin: 'vendor-origin', priority: 900 }]],
    ['of a version', [{ packages: ['tool'], version: '1.0', priority: 600 }]],
    ['of a pattern of versions', [{ packages: ['tool', 'library'], version: '2.*', priority: 600 }]],
    ['of a version that nobody has', [{ packages: ['tool'], version: '7.*', priority: 600 }]],
    ['that take nothing', [{ packages: ['other', 'own'], origin: 'vendor-origin', priority: -1 }]],
    ['for everything of a release', [{ packages: ['*'], release: 'vendor', priority: 700 }]],
    [
      'for everything, and others for some',
      [
        { packages: ['*'], release: 'vendor', priority: 700 },
        { packages: ['tool'], release: 'vendor', priority: 50 },
      ],
    ],
    [
      'of which the first counts',
      [
        { packages: ['tool*'], release: 'backports', priority: 50 },
        { packages: ['tool'], release: 'backports', priority: 900 },
      ],
    ],
    [
      'of which the first does not fit',
      [
        { packages: ['tool'], version: '9.*', priority: 50 },
        { packages: ['tool'], release: 'backports', priority: 900 },
      ],
    ],
    ['equal to the priority of others', [{ packages: ['tool', 'library'], release: 'backports', priority: 500 }]],
  ])('%s', async (_what, pins) => {
    expect(ours(pins)).toEqual(await theirs(pins));
  });

  it('of a release and a version at once, which apt cannot say', () => {
    expect(ours([{ packages: ['tool'], release: 'backports', version: '1.*', priority: 900 }])['tool']).toBe('1.5');
    expect(ours([{ packages: ['tool'], release: 'backports', version: '2.*', priority: 900 }])['tool']).toBe('2.0');
  });

  it('of a repository that none concerns are none', () => {
    expect(readPins([{ packages: ['tool'], release: 'backports', priority: 1 }], { names: ['stable'], origin: undefined })).toBeUndefined();
  });
});
