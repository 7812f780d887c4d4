import type { FavouredPackage, ResolvedPackage } from '@ict/plugin-api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveChecked } from './checked-resolution.js';
import { toRepositories, type CasePackage, type CaseRepository } from './resolve-case-file.js';

function resolve(
  repositories: readonly CaseRepository[],
  requests: readonly string[],
  favour: readonly FavouredPackage[] = [],
  recommends = false,
): readonly ResolvedPackage[] {
  const resolution = resolveChecked({
    repositories: toRepositories(repositories),
    arch: 'amd64',
    seeds: requests.map((request) => ({ request, reason: 'template' })),
    recommends,
    favour,
  });
  if (resolution.kind !== 'resolved') throw new Error(resolution.problems[0].message);
  return resolution.closure.packages;
}

const names = (packages: readonly ResolvedPackage[]) => packages.map(({ name, version }) => `${name} ${version}`);
const pkg = (name: string, version = '1', ...fields: string[]): CasePackage => ({ name, version, fields });
const repo = (id: string, ...packages: CasePackage[]): CaseRepository => ({ id, packages });

describe('packages of an earlier answer', () => {
  const twoVersions = [repo('main', pkg('a', '1', 'Depends: b'), pkg('b', '1')), repo('updates', pkg('b', '2'))];

  it('keep their version while a repository has it', () => {
    expect(names(resolve(twoVersions, ['a']))).toEqual(['a 1', 'b 2']);
    expect(names(resolve(twoVersions, ['a'], [{ name: 'b', version: '1' }]))).toEqual(['a 1', 'b 1']);
  });

  it.each([
    ['is gone', '0.9'],
    ['does not matter', undefined],
  ])('move to the candidate when their version %s', (_what, version) => {
    expect(names(resolve(twoVersions, ['a'], [{ name: 'b', version }]))).toEqual(['a 1', 'b 2']);
  });

  it('move when something new needs it', () => {
    const repositories = [repo('main', pkg('a', '1', 'Depends: b (>= 2)'), pkg('b', '1')), repo('updates', pkg('b', '2'))];
    expect(names(resolve(repositories, ['b', 'a'], [{ name: 'b', version: '1' }]))).toEqual(['a 1', 'b 2']);
  });

  it('give way to a version that is asked for', () => {
    expect(names(resolve(twoVersions, ['b=2'], [{ name: 'b', version: '1' }]))).toEqual(['b 2']);
  });

  it('stay the choice among alternatives and providers', () => {
    const choice = repo(
      'main',
      pkg('a', '1', 'Depends: x | y, mail'),
      pkg('x'),
      pkg('y'),
      pkg('exim', '1', 'Provides: mail', 'Priority: important'),
      pkg('postfix', '1', 'Provides: mail'),
    );
    expect(names(resolve([choice], ['a']))).toEqual(['a 1', 'exim 1', 'x 1']);
    const favour = [{ name: 'y', version: '1' }, { name: 'postfix' }];
    expect(names(resolve([choice], ['a'], favour))).toEqual(['a 1', 'postfix 1', 'y 1']);
    expect(names(resolve([choice], ['mail'], favour))).toEqual(['postfix 1']);
  });

  it('never make a request fail', () => {
    const rivals = repo('main', pkg('a', '1', 'Depends: x | y', 'Conflicts: y'), pkg('x'), pkg('y'));
    expect(names(resolve([rivals], ['a'], [{ name: 'y', version: '1' }]))).toEqual(['a 1', 'x 1']);
  });

  const universe = fc
    .array(
      fc.record({
        versions: fc.integer({ min: 1, max: 2 }),
        depends: fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 2 }),
        recommends: fc.array(fc.nat(5), { maxLength: 1 }),
      }),
      { minLength: 6, maxLength: 6 },
    )
    .map((shapes) => {
      const member = (shape: (typeof shapes)[number], index: number, version: string) => {
        const depends = shape.depends.map(([one, other]) => `p${one} | p${other}`);
        return pkg(
          `p${index}`,
          version,
          ...(depends.length === 0 ? [] : [`Depends: ${depends.join(', ')}`]),
          ...shape.recommends.map((one) => `Recommends: p${one}`),
        );
      };
      return [
        repo('main', ...shapes.map((shape, index) => member(shape, index, '1'))),
        repo('updates', ...shapes.flatMap((shape, index) => (shape.versions === 2 ? [member(shape, index, '2')] : []))),
      ];
    });

  it('are the answer again when nothing else changed', () => {
    fc.assert(
      fc.property(universe, fc.boolean(), (repositories, recommends) => {
        const [main] = repositories;
        const first = resolve([main], ['p0', 'p3'], [], recommends);
        const again = resolve(repositories, ['p0', 'p3'], first, recommends);
        expect(names(again)).toEqual(names(first));
      }),
      { numRuns: 60 },
    );
  });
});

describe('relations of a closure', () => {
  it('quote the fields of packages, by members', () => {
    const repositories = toRepositories([
      repo('main', pkg('a', '1', 'Pre-Depends: b', 'Depends: awk | c (>= 1), b', 'Recommends: d'), pkg('b'), pkg('c', '2'), pkg('d')),
    ]);
    const request = { repositories, arch: 'amd64', seeds: [{ request: 'a', reason: 'template' }], recommends: true };
    const resolution = resolveChecked(request);
    const relations = resolution.kind === 'resolved' ? resolution.closure.relations : undefined;
    const from = 'a:amd64';
    expect(relations).toEqual([
      { from, to: 'b:amd64', kind: 'requires', field: 'Pre-Depends', text: 'b' },
      { from, to: 'b:amd64', kind: 'requires', field: 'Depends', text: 'b' },
      { from, to: 'c:amd64', kind: 'requires', field: 'Depends', text: 'awk | c (>= 1)' },
      { from, to: 'd:amd64', kind: 'recommends', field: 'Recommends', text: 'd' },
    ]);
    const without = resolveChecked({ ...request, recommends: false });
    expect(without.kind === 'resolved' && without.closure.relations?.map(({ kind }) => kind)).toEqual(['requires', 'requires', 'requires']);
  });
});
