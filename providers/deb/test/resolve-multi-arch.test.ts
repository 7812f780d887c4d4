import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AptResolver, subsets } from '@ict/fixtures';
import * as fc from 'fast-check';
import { parseIndex, resolveChecked } from './checked-resolution.js';
import { indexText, type CasePackage } from './resolve-case-file.js';

/** A package for each of some architectures, all with the same fields. */
const of = (arches: string, name: string, ...fields: readonly string[]): readonly CasePackage[] =>
  arches.split(' ').map((arch) => ({ name, version: '1', arch, fields }));

const BOTH = 'amd64 i386';
const SAME = 'Multi-Arch: same';
const FOREIGN = 'Multi-Arch: foreign';
const ALLOWED = 'Multi-Arch: allowed';

const PACKAGES: readonly CasePackage[] = [
  ...of(BOTH, 'lib', SAME),
  ...of(BOTH, 'lib-dev', SAME, 'Depends: lib (= 1), headers'),
  ...of('all', 'headers', FOREIGN),
  ...of('all', 'closed-data'),
  ...of(BOTH, 'program', 'Depends: lib'),
  ...of(BOTH, 'needs-data', 'Depends: closed-data'),
  ...of(BOTH, 'make', FOREIGN, 'Depends: lib'),
  ...of(BOTH, 'builder', 'Depends: make'),
  ...of('i386', 'only-foreign', FOREIGN, 'Depends: lib'),
  ...of(BOTH, 'needs-only-foreign', 'Depends: only-foreign'),
  ...of('i386', 'only-i386', 'Depends: lib'),
  ...of('amd64', 'needs-only-i386', 'Depends: only-i386'),
  ...of('amd64', 'names-i386', 'Depends: only-i386:i386, lib:i386'),
  ...of(BOTH, 'interpreter', ALLOWED),
  ...of(BOTH, 'script', 'Depends: interpreter:any'),
  ...of(BOTH, 'module', 'Depends: interpreter'),
  ...of(BOTH, 'any-of-foreign', 'Depends: make:any'),
  ...of(BOTH, 'any-of-closed', 'Depends: program:any'),
  ...of(BOTH, 'names-foreign', 'Depends: headers:i386'),
  ...of(BOTH, 'mta-a', FOREIGN, 'Provides: mta'),
  ...of(BOTH, 'mta-b', 'Provides: mta'),
  ...of(BOTH, 'needs-mta', 'Depends: mta'),
  ...of('amd64', 'mta-closed', 'Provides: closed-mta'),
  ...of(BOTH, 'needs-closed-mta', 'Depends: closed-mta'),
  ...of('amd64', 'lends', 'Provides: lent:i386, lent-any:any'),
  ...of(BOTH, 'needs-lent', 'Depends: lent'),
  ...of(BOTH, 'needs-lent-any', 'Depends: lent-any:any'),
  ...of(BOTH, 'against-lib', 'Conflicts: lib'),
  ...of(BOTH, 'against-lib-i386', 'Conflicts: lib:i386'),
  ...of(BOTH, 'virtual-dev', SAME, 'Provides: any-dev', 'Conflicts: any-dev'),
  ...of(BOTH, 'other-dev', SAME, 'Provides: any-dev', 'Conflicts: any-dev'),
  { name: 'skewed', version: '1', fields: [SAME] },
  { name: 'skewed', version: '2', arch: 'i386', fields: [SAME] },
  ...of(BOTH, 'recommending', 'Recommends: program, mta'),
  ...of(BOTH, 'alternative', 'Depends: closed-data | make'),
];

let directory: string;
let apt: AptResolver;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-multi-arch-'));
  const packages = join(directory, 'Packages');
  await writeFile(packages, indexText(PACKAGES));
  apt = await AptResolver.create(join(directory, 'apt'), [{ packages }], 'amd64', '', ['i386']);
});
afterAll(() => rm(directory, { recursive: true }));

function ours(request: string): readonly string[] {
  const resolution = resolveChecked({
    repositories: [{ id: 'main', suites: ['main'], priority: 500, index: parseIndex(indexText(PACKAGES)) }],
    arch: 'amd64',
    foreign: ['i386'],
    seeds: request.split(' ').map((each) => ({ request: each, reason: 'template' })),
    recommends: true,
  });
  return resolution.kind === 'resolved' ? resolution.closure.packages.map(({ id }) => id) : ['no solution'];
}

async function theirs(request: string): Promise<readonly string[]> {
  try {
    return (await apt.choose(request.split(' '), true)).map(({ name, arch }) => `${name}:${arch}`);
  } catch {
    return ['no solution'];
  }
}

describe('packages of two architectures, against apt-get', () => {
  it.each([
    'lib:i386',
    'lib lib:i386',
    'lib-dev:i386 lib-dev',
    'program:i386',
    'program program:i386',
    'needs-data',
    'needs-data:i386',
    'builder',
    'builder:i386',
    'make:i386 builder',
    'needs-only-foreign',
    'only-i386',
    'needs-only-i386',
    'names-i386',
    'script:i386',
    'script script:i386',
    'interpreter:i386 script',
    'module:i386',
    'module module:i386',
    'any-of-foreign',
    'any-of-closed',
    'names-foreign',
    'needs-mta:i386',
    'mta-b:i386 needs-mta:i386',
    'needs-closed-mta',
    'needs-closed-mta:i386',
    'needs-lent',
    'needs-lent:i386',
    'needs-lent-any',
    'needs-lent-any:i386',
    'against-lib program:i386',
    'against-lib-i386 program',
    'against-lib-i386 program:i386',
    'virtual-dev virtual-dev:i386',
    'virtual-dev other-dev:i386',
    'skewed skewed:i386',
    'skewed:i386',
    'recommending:i386',
    'alternative:i386',
    'headers:i386',
    'closed-data:i386',
    'nothing:i386',
    'lib-*:i386',
  ])('%s', async (request) => {
    expect(ours(request)).toEqual(await theirs(request));
  });
});

type Arch = 'amd64' | 'i386' | 'all';

/** A relation as the checker reads it: no parser of the product is involved. */
interface Wish {
  readonly name: string;
  readonly qualifier?: 'any' | 'amd64' | 'i386';
}

interface Small {
  readonly name: string;
  readonly arch: Arch;
  readonly version: number;
  readonly multiArch: 'no' | 'same' | 'foreign' | 'allowed';
  readonly provides: boolean;
  readonly depends: readonly Wish[];
  readonly conflicts: readonly Wish[];
}

const NAMES = ['a', 'b', 'c', 'd'] as const;
const wish: fc.Arbitrary<Wish> = fc.oneof(
  { arbitrary: fc.record({ name: fc.constantFrom(...NAMES, 'v') }), weight: 3 },
  fc.record({ name: fc.constantFrom(...NAMES), qualifier: fc.constantFrom('any' as const, 'amd64' as const, 'i386' as const) }),
);
/** Of each name a package for one or both architectures, or one for all; some for i386, without which it cannot be asked for. */
const universe: fc.Arbitrary<readonly Small[]> = fc
  .tuple(
    ...NAMES.map((name) =>
      fc.constantFrom<readonly Arch[]>(['amd64', 'i386'], ['amd64', 'i386'], ['amd64'], ['i386'], ['all']).chain((arches) =>
        fc.tuple(
          ...arches.map((arch) =>
            fc.record({
              name: fc.constant<string>(name),
              arch: fc.constant(arch),
              version: fc.integer({ min: 1, max: 2 }),
              multiArch: fc.constantFrom(
                'no' as const,
                arch === 'all' ? ('no' as const) : ('same' as const),
                'foreign' as const,
                'allowed' as const,
              ),
              provides: fc.boolean(),
              depends: fc.array(wish, { maxLength: 2 }),
              conflicts: fc.array(wish, { maxLength: 1 }),
            }),
          ),
        ),
      ),
    ),
  )
  .map((groups) => groups.flat())
  .filter((packages) => packages.some(({ arch }) => arch === 'i386'));

const archOf = ({ arch }: Small): string => (arch === 'all' ? 'amd64' : arch);

/** Whether one package is what another needs. */
function meets(pkg: Small, { name, qualifier }: Wish, by: Small): boolean {
  if (pkg.name !== name && !(pkg.provides && name === 'v')) return false;
  if (qualifier === undefined) return pkg.multiArch === 'foreign' || archOf(pkg) === archOf(by);
  return qualifier === 'any' ? pkg.multiArch === 'allowed' : archOf(pkg) === qualifier;
}

/** Whether one package is what another cannot be with: of any architecture, unless it names one, and never its own sibling. */
function clashes(pkg: Small, { name, qualifier }: Wish, by: Small): boolean {
  if (pkg.name === by.name || (pkg.name !== name && !(pkg.provides && name === 'v'))) return false;
  return qualifier === undefined || qualifier === 'any' || archOf(pkg) === qualifier;
}

function consistent(set: readonly Small[]): boolean {
  return set.every(
    (pkg) =>
      pkg.depends.every((each) => set.some((other) => meets(other, each, pkg))) &&
      pkg.conflicts.every((each) => !set.some((other) => clashes(other, each, pkg))) &&
      set.every(
        (other) =>
          other === pkg ||
          other.name !== pkg.name ||
          (other.multiArch === 'same' && pkg.multiArch === 'same' && other.version === pkg.version),
      ),
  );
}

function toCasePackage({ name, arch, version, multiArch, provides, depends, conflicts }: Small): CasePackage {
  const text = ({ name: wanted, qualifier }: Wish): string => (qualifier === undefined ? wanted : `${wanted}:${qualifier}`);
  const fields = [
    ...(multiArch === 'no' ? [] : [`Multi-Arch: ${multiArch}`]),
    ...(provides ? ['Provides: v'] : []),
    ...(depends.length === 0 ? [] : [`Depends: ${depends.map(text).join(', ')}`]),
    ...(conflicts.length === 0 ? [] : [`Conflicts: ${conflicts.map(text).join(', ')}`]),
  ];
  return { name, arch, version: String(version), fields };
}

describe('packages of two architectures', () => {
  it('are resolved as by trying every set of them', () => {
    const outcomes = { resolved: 0, unsolvable: 0 };
    fc.assert(
      fc.property(universe, fc.array(fc.nat(7), { minLength: 1, maxLength: 2 }), (packages, picks) => {
        const wanted = [...new Set(picks.map((pick) => packages[pick % packages.length]!))];
        const id = ({ name, arch }: Small): string => `${name}:${arch}`;
        const resolution = resolveChecked({
          repositories: [{ id: 'main', suites: [], priority: 500, index: parseIndex(indexText(packages.map(toCasePackage))) }],
          arch: 'amd64',
          foreign: ['i386'],
          seeds: wanted.map((each) => ({ request: id(each), reason: 'template' })),
          recommends: true,
        });
        outcomes[resolution.kind]++;
        if (resolution.kind === 'resolved') {
          const chosen = new Set(resolution.closure.packages.map((each) => each.id));
          expect(wanted.every((each) => chosen.has(id(each)))).toBe(true);
          expect(consistent(packages.filter((each) => chosen.has(id(each))))).toBe(true);
          return;
        }
        const isAnswer = (set: readonly Small[]): boolean => wanted.every((each) => set.includes(each)) && consistent(set);
        expect(subsets(packages).find(isAnswer)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(outcomes.resolved, outcomes.unsolvable)).toBeGreaterThan(200);
  });
});
