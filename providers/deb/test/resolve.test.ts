import { subsets } from '@ict/fixtures';
import { digestOf } from '@ict/integrity';
import type { DistributionDefinition, ResolutionRequest, Seed, Snapshot } from '@ict/plugin-api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveChecked, resolveServed } from './checked-resolution.js';
import { FakeContext } from './fake-context.js';
import { indexText, toRepositories } from './resolve-case-file.js';
import type { CasePackage } from './resolve-case-file.js';

const distribution = { essential: { priorities: ['required'], packages: ['apt'] } } as unknown as DistributionDefinition;

/** A pinned repository whose plain index the context serves. */
function serve(ctx: FakeContext, id: string, packages: readonly CasePackage[], extra: Partial<Snapshot['repository']> = {}): Snapshot {
  const bytes = Buffer.from(indexText(packages));
  const path = `dists/${id}/main/binary-amd64/Packages`;
  const archive = `http://ftp.debian.org/${id}`;
  ctx.served.set(`${archive}/${path}`, bytes);
  const content = { digest: digestOf(bytes), sizeBytes: bytes.length };
  return {
    repository: { id, archive, suite: id, components: ['main'], keyrings: [], ...extra },
    root: { path: `dists/${id}/InRelease`, digest: content.digest, sizeBytes: 1, dateSeconds: 0, codename: `${id}-name` },
    signers: [],
    indexes: [{ path, ...content, plain: content, component: 'main' }],
  };
}

function ask(...requests: string[]): Seed[] {
  return requests.map((request) => ({ request, reason: 'template' }));
}

describe('fields that cannot be read', () => {
  const outcomeFor = (...fields: string[]): string =>
    resolveChecked({
      repositories: toRepositories([{ id: 'r', packages: [{ name: 'a', version: '1', fields }] }]),
      arch: 'amd64',
      seeds: ask('a'),
      recommends: true,
    }).kind;

  it.each([
    ['resolved', ['Recommends: x y']],
    ['unsolvable', ['Depends: x y']],
    ['unsolvable', ['Provides: b | c']],
    ['unsolvable', ['Recommends: x y', 'Provides: b | c']],
  ])('leave a package %s that has %j', (kind, fields) => {
    expect(outcomeFor(...fields)).toBe(kind);
  });
});

describe('createResolver', () => {
  const base = { arch: 'x86_64', distribution, essential: false, recommends: true } as const;

  it('resolves from pinned repositories', async () => {
    await using ctx = new FakeContext();
    const main = serve(ctx, 'trixie', [
      {
        name: 'a',
        version: '1',
        fields: [
          'Depends: b',
          'Source: src (0.9)',
          'Maintainer: M <m@example.org>',
          'Homepage: https://example.org',
          'Description: does a',
          'Installed-Size: 3',
        ],
      },
      { name: 'b', version: '1' },
      { name: 'apt', version: '1' },
      { name: 'base', version: '1', fields: ['Priority: required'] },
    ]);
    const updates = serve(ctx, 'trixie-updates', [{ name: 'b', version: '2', arch: 'all' }]);
    const request: ResolutionRequest = { ...base, snapshots: [main, updates], seeds: ask('a'), essential: true };
    const resolution = await resolveServed(request, ctx);
    expect(resolution.kind).toBe('resolved');
    if (resolution.kind !== 'resolved') return;
    expect(resolution.warnings).toEqual([]);
    expect(resolution.closure.packages.map(({ id, repository }) => `${id} ${repository}`)).toEqual([
      'a:amd64 trixie',
      'apt:amd64 trixie',
      'b:all trixie-updates',
      'base:amd64 trixie',
    ]);
    expect(resolution.closure.packages[0]).toEqual({
      id: 'a:amd64',
      name: 'a',
      version: '1',
      arch: 'amd64',
      repository: 'trixie',
      path: 'pool/a_amd64.deb',
      digest: `sha256:${'0'.repeat(64)}`,
      sizeBytes: 1,
      installedSizeBytes: 3072,
      requires: ['b:all'],
      requestedBy: ['template'],
      source: { name: 'src', version: '0.9' },
      maintainer: 'M <m@example.org>',
      homepage: 'https://example.org',
      summary: 'does a',
    });
  });

  it('says what was taken for each request, as it was written', async () => {
    await using ctx = new FakeContext();
    const main = serve(ctx, 'trixie', [
      { name: 'a', version: '1' },
      { name: 'lib1', version: '1' },
      { name: 'lib2', version: '1', fields: ['Depends: a'] },
      { name: 'exim', version: '1', fields: ['Provides: mail-server'] },
      { name: 'apt', version: '1' },
      { name: 'base', version: '1', fields: ['Priority: required'] },
    ]);
    const seeds = ask('lib*', 'a=1', 'mail-server', 'a');
    const resolution = await resolveServed({ ...base, snapshots: [main], seeds, essential: true }, ctx);
    expect(resolution.kind === 'resolved' && resolution.closure.answers).toEqual({
      a: ['a:amd64'],
      'a=1': ['a:amd64'],
      apt: ['apt:amd64'],
      base: ['base:amd64'],
      'lib*': ['lib1:amd64', 'lib2:amd64'],
      'mail-server': ['exim:amd64'],
    });
  });

  it.each(['trixie-backports', 'trixie-backports-name'])('knows a suite as %s', async (suite) => {
    await using ctx = new FakeContext();
    const main = serve(ctx, 'trixie', [{ name: 'a', version: '1' }]);
    const backports = serve(ctx, 'trixie-backports', [{ name: 'a', version: '2' }], { priority: 100 });
    const versionOf = async (request: string): Promise<unknown> => {
      const resolution = await resolveServed({ ...base, snapshots: [main, backports], seeds: ask(request) }, ctx);
      return resolution.kind === 'resolved' && resolution.closure.packages.map(({ version }) => version);
    };
    expect(await versionOf('a')).toEqual(['1']);
    expect(await versionOf(`a/${suite}`)).toEqual(['2']);
  });

  it('takes packages of foreign architectures from repositories that are read for them', async () => {
    await using ctx = new FakeContext();
    const packages = ['amd64', 'i386'].map((arch) => ({ name: 'a', version: '1', arch, fields: ['Multi-Arch: same'] }));
    const ids = async (extra: Partial<Snapshot['repository']>): Promise<unknown> => {
      const snapshots = [serve(ctx, 'trixie', packages, extra)];
      const resolution = await resolveServed({ ...base, snapshots, seeds: ask('a', 'a:i386') }, ctx);
      return resolution.kind === 'resolved'
        ? resolution.closure.packages.map(({ id }) => id)
        : resolution.problems.map(({ code, hint }) => [code, hint]);
    };
    expect(await ids({ foreignArchitectures: ['i386'] })).toEqual(['a:amd64', 'a:i386']);
    expect(await ids({})).toEqual([
      [
        'ICT_DEB_UNKNOWN_PACKAGE',
        'Leave out the architecture, or name i386 under target.foreignArchitectures (without a template: --foreign-arch i386).',
      ],
    ]);
  });

  it('reports every unknown package with its position', async () => {
    await using ctx = new FakeContext();
    const main = serve(ctx, 'trixie', [{ name: 'bash', version: '1' }]);
    const position = { file: 'image.yml', line: 3, column: 5 };
    const seeds: Seed[] = [{ request: 'bahs', reason: 'template', position }, ...ask('bash', 'nothing-like-it')];
    const resolution = await resolveServed({ ...base, snapshots: [main], seeds }, ctx);
    expect(resolution.kind === 'unsolvable' && resolution.problems.map(({ code, position: at }) => [code, at])).toEqual([
      ['ICT_DEB_UNKNOWN_PACKAGE', position],
      ['ICT_DEB_UNKNOWN_PACKAGE', undefined],
    ]);
  });

  it('stops when it is told to', async () => {
    await using ctx = new FakeContext();
    const main = serve(ctx, 'trixie', [{ name: 'a', version: '1' }]);
    const aborted = Object.assign(Object.create(ctx) as FakeContext, { signal: AbortSignal.abort() });
    await expect(resolveServed({ ...base, snapshots: [main], seeds: ask('a') }, aborted)).rejects.toHaveProperty('name', 'AbortError');
  });

  it('resolves nothing to nothing', async () => {
    await using ctx = new FakeContext();
    const resolution = await resolveServed({ ...base, snapshots: [], seeds: [] }, ctx);
    expect(resolution).toEqual({ kind: 'resolved', closure: { packages: [], relations: [], answers: {} }, warnings: [] });
  });
});

/** A relation as the checker reads it: no parser of the product is involved. */
interface Wish {
  readonly name: string;
  readonly least?: number;
}

interface Small {
  readonly name: string;
  readonly version: number;
  readonly provides: readonly { readonly name: string; readonly version?: number }[];
  readonly depends: readonly (readonly Wish[])[];
  readonly conflicts: readonly Wish[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const;
const anyName = fc.constantFrom(...NAMES, 'v', 'w');
const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({ name: anyName }),
  fc.record({ name: anyName, least: fc.integer({ min: 1, max: 3 }) }),
);
const provided = fc.oneof(
  fc.record({ name: fc.constantFrom('v', 'w', 'a') }),
  fc.record({ name: fc.constantFrom('v', 'w', 'a'), version: fc.integer({ min: 1, max: 3 }) }),
);
const archive: fc.Arbitrary<readonly Small[]> = fc.tuple(
  ...NAMES.map((name) =>
    fc.record({
      name: fc.constant(name as string),
      version: fc.integer({ min: 1, max: 3 }),
      provides: fc.array(provided, { maxLength: 1 }),
      depends: fc.array(fc.array(wish, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
      conflicts: fc.array(wish, { maxLength: 1 }),
    }),
  ),
);

function meets(pkg: Small, { name, least }: Wish): boolean {
  if (pkg.name === name && (least === undefined || pkg.version >= least)) return true;
  return pkg.provides.some((each) => each.name === name && (least === undefined || (each.version !== undefined && each.version >= least)));
}

/** Whether packages can be installed together. */
function consistent(set: readonly Small[]): boolean {
  return set.every(
    (pkg) =>
      pkg.depends.every((group) => group.some((each) => set.some((other) => meets(other, each)))) &&
      pkg.conflicts.every((each) => !set.some((other) => other !== pkg && meets(other, each))),
  );
}

function toCasePackage({ name, version, provides, depends, conflicts }: Small): CasePackage {
  const text = ({ name: wanted, least }: Wish): string => (least === undefined ? wanted : `${wanted} (>= ${least})`);
  const fields: string[] = [];
  if (provides.length > 0)
    fields.push(
      `Provides: ${provides.map((each) => (each.version === undefined ? each.name : `${each.name} (= ${each.version})`)).join(', ')}`,
    );
  if (depends.length > 0) fields.push(`Depends: ${depends.map((group) => group.map(text).join(' | ')).join(', ')}`);
  if (conflicts.length > 0) fields.push(`Conflicts: ${conflicts.map(text).join(', ')}`);
  return { name, version: String(version), fields };
}

describe('resolvePackages', () => {
  it('agrees with trying every set of packages', () => {
    fc.assert(
      fc.property(archive, fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }), (packages, names) => {
        const repositories = toRepositories([{ id: 'main', packages: packages.map(toCasePackage) }]);
        const resolution = resolveChecked({ repositories, arch: 'amd64', seeds: ask(...names), recommends: true });
        if (resolution.kind === 'resolved') {
          const chosen = new Set(resolution.closure.packages.map(({ name }) => name));
          expect(names.every((name) => chosen.has(name))).toBe(true);
          expect(consistent(packages.filter(({ name }) => chosen.has(name)))).toBe(true);
          return;
        }
        const isAnswer = (set: readonly Small[]): boolean => names.every((name) => set.some((pkg) => pkg.name === name)) && consistent(set);
        expect(subsets(packages).find(isAnswer)).toBeUndefined();
        expect(resolution.problems.map(({ code }) => code)).toContain('ICT_DEB_UNSATISFIABLE');
      }),
      { numRuns: 1500 },
    );
  });

  it('gives every member a reason, and only members as reasons', () => {
    fc.assert(
      fc.property(archive, fc.constantFrom(...NAMES), (packages, name) => {
        const repositories = toRepositories([{ id: 'main', packages: packages.map(toCasePackage) }]);
        const resolution = resolveChecked({ repositories, arch: 'amd64', seeds: ask(name), recommends: true });
        if (resolution.kind !== 'resolved') return;
        const ids = new Set(resolution.closure.packages.map(({ id }) => id));
        expect([...ids]).toEqual([...ids].sort());
        for (const { requires, requestedBy } of resolution.closure.packages) {
          expect(requestedBy.length).toBeGreaterThan(0);
          expect(requestedBy.every((reason) => reason === 'template' || ids.has(reason))).toBe(true);
          expect(requires.every((id) => ids.has(id))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
