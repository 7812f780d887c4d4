import { describe, expect, it } from 'vitest';
import type { Resolution } from '@ict/plugin-api';
import { answer, resolveIn, type TestPackage } from './resolve-universe.js';

const pkg = (nevra: string, relations: TestPackage['relations'] = {}, files: readonly string[] = []): TestPackage => ({
  nevra,
  relations,
  files,
});
const one = (packages: readonly TestPackage[], requests: readonly string[], recommends = true): string =>
  answer(resolveIn([{ packages }], requests, recommends));

describe('what is chosen', () => {
  it.each<[string, readonly TestPackage[], readonly string[], string]>([
    ['the highest version', [pkg('a-1-1.noarch'), pkg('a-1.10-1.noarch'), pkg('a-1.9-1.noarch')], ['a'], 'a-1.10-1.noarch'],
    ['an epoch before all', [pkg('a-1:1-1.noarch'), pkg('a-2-1.noarch')], ['a'], 'a-1:1-1.noarch'],
    ['a version that was asked for', [pkg('a-1-1.noarch'), pkg('a-2-1.noarch')], ['a=1'], 'a-1-1.noarch'],
    ['the architecture of the machine', [pkg('a-2-1.i686'), pkg('a-1-1.x86_64')], ['a'], 'a-1-1.x86_64'],
    ['another architecture on request', [pkg('a-1-1.i686'), pkg('a-1-1.x86_64')], ['a.i686'], 'a-1-1.i686'],
    ['both architectures in one version', [pkg('a-1-1.i686'), pkg('a-1-1.x86_64')], ['a.x86_64', 'a.i686'], 'a-1-1.i686 a-1-1.x86_64'],
    [
      'nothing more for a name that another request brings, as dnf',
      [pkg('a-1-1.i686'), pkg('a-1-1.x86_64')],
      ['a', 'a.i686'],
      'a-1-1.i686',
    ],
    ['never a foreign architecture', [pkg('a-1-1.aarch64')], ['a'], 'ICT_RPM_UNKNOWN_PACKAGE'],
    [
      'an older version when the newest cannot be had',
      [pkg('a-2-1.noarch', { requires: ['x'] }), pkg('a-1-1.noarch')],
      ['a'],
      'a-1-1.noarch',
    ],
    [
      'an unversioned provide for a versioned need',
      [pkg('a-1-1.noarch', { requires: ['v >= 5'] }), pkg('b-1-1.noarch', { provides: ['v'] })],
      ['a'],
      'a-1-1.noarch b-1-1.noarch',
    ],
    [
      'a provide whose range meets the need',
      [
        pkg('a-1-1.noarch', { requires: ['v > 2'] }),
        pkg('b-1-1.noarch', { provides: ['v = 2'] }),
        pkg('c-1-1.noarch', { provides: ['v = 3'] }),
      ],
      ['a'],
      'a-1-1.noarch c-1-1.noarch',
    ],
    [
      'a file',
      [pkg('a-1-1.noarch', { requires: ['/usr/bin/x'] }), pkg('b-1-1.noarch', {}, ['/usr/bin/x'])],
      ['a'],
      'a-1-1.noarch b-1-1.noarch',
    ],
    ['features of rpm from nobody', [pkg('a-1-1.noarch', { requires: ['rpmlib(FileDigests) <= 4.6.0-1'] })], ['a'], 'a-1-1.noarch'],
    [
      'no package for an unknown feature of rpm',
      [pkg('a-1-1.noarch', { requires: ['rpmlib(Telepathy) <= 9'] })],
      ['a'],
      'ICT_RPM_UNSATISFIABLE',
    ],
    [
      'the replacement of an obsolete name',
      [pkg('a-1-1.noarch'), pkg('b-1-1.noarch', { obsoletes: ['a < 2'], provides: ['a = 2'] })],
      ['a'],
      'b-1-1.noarch',
    ],
    [
      'a name that is not obsolete in its version',
      [pkg('a-3-1.noarch'), pkg('b-1-1.noarch', { obsoletes: ['a < 2'] })],
      ['a'],
      'a-3-1.noarch',
    ],
    [
      'obsoletes by name, not by provide',
      [pkg('a-1-1.noarch', { obsoletes: ['v'] }), pkg('b-1-1.noarch', { provides: ['v'] })],
      ['a', 'b'],
      'a-1-1.noarch b-1-1.noarch',
    ],
    [
      'nothing beside a conflict',
      [pkg('a-1-1.noarch', { conflicts: ['b < 2'] }), pkg('b-1-1.noarch')],
      ['a', 'b'],
      'ICT_RPM_UNSATISFIABLE',
    ],
    [
      'a conflict with a provide',
      [pkg('a-1-1.noarch', { conflicts: ['v'] }), pkg('b-1-1.noarch', { provides: ['v'] })],
      ['a', 'b'],
      'ICT_RPM_UNSATISFIABLE',
    ],
    [
      'a package that conflicts with what it provides itself',
      [pkg('a-1-1.noarch', { conflicts: ['v'], provides: ['v'] })],
      ['a'],
      'a-1-1.noarch',
    ],
    ['the packages of a group', [pkg('a-1-1.noarch'), pkg('b-1-1.noarch')], ['@tools'], 'a-1-1.noarch b-1-1.noarch'],
    ['no unknown group', [pkg('a-1-1.noarch')], ['@games'], 'ICT_RPM_UNKNOWN_PACKAGE'],
    [
      'every package that a pattern matches',
      [pkg('a-1-1.noarch'), pkg('ab-1-1.noarch'), pkg('b-1-1.noarch')],
      ['a*'],
      'a-1-1.noarch ab-1-1.noarch',
    ],
    ['nothing for a pattern that matches none', [pkg('a-1-1.noarch')], ['x?'], 'ICT_RPM_UNKNOWN_PACKAGE'],
    ['no unknown version', [pkg('a-1-1.noarch')], ['a=2'], 'ICT_RPM_UNKNOWN_VERSION'],
    [
      'what a dependency that cannot be read needs: nothing has it',
      [pkg('a-1-1.noarch', { requires: ['(b or'] }), pkg('b-1-1.noarch')],
      ['a'],
      'ICT_RPM_UNSATISFIABLE',
    ],
  ])('%s', (_what, packages, requests, expected) => {
    expect(one(packages, requests)).toBe(expected);
  });

  it('is told for each request, as it was written', () => {
    const packages = [
      pkg('a-1-1.noarch', { requires: ['b'] }),
      pkg('b-1-1.noarch'),
      pkg('c-1-1.noarch', { provides: ['v'] }, ['/usr/bin/c']),
      pkg('kernel-1-1.x86_64', { provides: ['installonlypkg(kernel)'] }),
      pkg('kernel-2-1.x86_64', { provides: ['installonlypkg(kernel)'] }),
    ];
    const resolution = resolveIn([{ packages }], ['v', '@tools', '/usr/bin/c', 'kernel=2', 'kernel=1', 'a*']);
    expect(resolution.kind === 'resolved' && resolution.closure.answers).toEqual({
      '/usr/bin/c': ['c:noarch'],
      '@tools': ['a:noarch', 'b:noarch'],
      'a*': ['a:noarch'],
      'kernel=1': ['kernel:x86_64=1-1'],
      'kernel=2': ['kernel:x86_64'],
      v: ['c:noarch'],
    });
  });

  it('of repositories, only the one with the highest priority for a name', () => {
    const low = { packages: [pkg('a-9-1.noarch'), pkg('b-9-1.noarch')], priority: 0 };
    const high = { packages: [pkg('a-1-1.noarch')], priority: 10 };
    expect(answer(resolveIn([low, high], ['a', 'b']))).toBe('a-1-1.noarch b-9-1.noarch');
    expect(answer(resolveIn([low, high], ['a=9']))).toBe('ICT_RPM_PACKAGE_WITHHELD');
    expect(answer(resolveIn([low, { ...high, allow: ['x*'] }], ['a']))).toBe('a-9-1.noarch');
    expect(answer(resolveIn([high, { ...low, priority: 10 }], ['a/repo0']))).toBe('a-1-1.noarch');
  });

  it('never what a repository may not give', () => {
    const repository = { packages: [pkg('a-2-1.noarch'), pkg('ab-1-1.noarch')], exclude: ['a'] };
    expect(answer(resolveIn([repository, { packages: [pkg('a-1-1.noarch')] }], ['a', 'ab']))).toBe('a-1-1.noarch ab-1-1.noarch');
    expect(answer(resolveIn([{ ...repository, allow: ['a*'] }], ['a']))).toBe('ICT_RPM_PACKAGE_WITHHELD');
  });

  it('of equal packages, those of the repository with the lowest cost', () => {
    const packages = [pkg('a-1-1.noarch')];
    const from = (...costs: number[]): string | undefined => {
      const resolution = resolveIn(costs.map((cost) => ({ packages, cost })), ['a']); // prettier-ignore
      return resolution.kind === 'resolved' ? resolution.closure.packages[0]!.repository : undefined;
    };
    expect([from(1000, 1000), from(1000, 500), from(500, 1000)]).toEqual(['repo0', 'repo1', 'repo0']);
    expect(answer(resolveIn([{ packages, cost: 1 }, { packages: [pkg('a-2-1.noarch')] }], ['a']))).toBe('a-2-1.noarch');
  });
});

describe('packages of an earlier answer', () => {
  const packages = [
    ...[pkg('a-1-1.noarch', { requires: ['v'] }), pkg('a-2-1.noarch', { requires: ['v'] })],
    ...[pkg('p-1-1.noarch', { provides: ['v'] }), pkg('q-1-1.noarch', { provides: ['v'] })],
  ];
  const resolved = (favour: readonly { readonly name: string; readonly version?: string }[], requests = ['a']): string =>
    answer(resolveIn([{ packages }], requests, true, favour));

  it('keep their version, and stay the choice among providers', () => {
    expect(resolved([])).toBe('a-2-1.noarch p-1-1.noarch');
    expect(resolved([{ name: 'a', version: '1-1' }])).toBe('a-1-1.noarch p-1-1.noarch');
    expect(resolved([{ name: 'q', version: '1-1' }])).toBe('a-2-1.noarch q-1-1.noarch');
    expect(resolved([{ name: 'q' }, { name: 'a' }])).toBe('a-2-1.noarch q-1-1.noarch');
  });

  it('give way to what is asked for, and to what is there', () => {
    expect(resolved([{ name: 'a', version: '1-1' }], ['a=2'])).toBe('a-2-1.noarch p-1-1.noarch');
    expect(resolved([{ name: 'a', version: '0-1' }])).toBe('a-2-1.noarch p-1-1.noarch');
    expect(resolved([{ name: 'q' }], ['a', 'p'])).toBe('a-2-1.noarch p-1-1.noarch');
  });
});

describe('install-only packages', () => {
  const kernel = (version: string) => ({ nevra: `kernel-${version}-1.x86_64`, relations: { requires: [`core = ${version}`] } });
  const core = (version: string) => ({ nevra: `core-${version}-1.x86_64`, relations: { provides: ['installonlypkg(kernel)'] } });
  const packages: readonly TestPackage[] = [
    ...['1', '2', '10'].flatMap((version) => [kernel(version), core(version)]),
    { nevra: 'module-1-1.noarch', relations: { requires: ['core = 1'] } },
  ];
  const idsOf = (resolution: Resolution) =>
    resolution.kind === 'resolved' ? resolution.closure.packages.map(({ id, version }) => `${id} ${version}`) : [];

  it('stand side by side in several versions, of which the highest goes by its name alone', () => {
    expect(idsOf(resolveIn([{ packages }], ['kernel=1', 'kernel=10', 'kernel=2']))).toEqual([
      ...['core:x86_64 10-1', 'core:x86_64=1-1 1-1', 'core:x86_64=2-1 2-1'],
      ...['kernel:x86_64 10-1', 'kernel:x86_64=1-1 1-1', 'kernel:x86_64=2-1 2-1'],
    ]);
    expect(idsOf(resolveIn([{ packages }], ['kernel=1']))).toEqual(['core:x86_64 1-1', 'kernel:x86_64 1-1']);
  });

  it('come in a second version for a package that needs it, and say who needs which', () => {
    const resolution = resolveIn([{ packages }], ['kernel', 'module']);
    if (resolution.kind === 'unsolvable') throw new Error('no answer');
    const facts = resolution.closure.packages.map(({ id, requires, requestedBy }) => [id, requires, requestedBy]);
    expect(facts).toEqual([
      ['core:x86_64', [], ['kernel:x86_64']],
      ['core:x86_64=1-1', [], ['module:noarch']],
      ['kernel:x86_64', ['core:x86_64'], ['template']],
      ['module:noarch', ['core:x86_64=1-1'], ['template']],
    ]);
  });

  it('all keep the versions of an earlier answer', () => {
    const favour = ['1-1', '2-1'].map((version) => ({ name: 'kernel', version }));
    expect(answer(resolveIn([{ packages }], ['kernel'], true, favour))).toBe('core-2-1.x86_64 kernel-2-1.x86_64');
    expect(answer(resolveIn([{ packages }], ['kernel', 'core=10'], true, favour.slice(0, 1)))).toBe(
      'core-10-1.x86_64 core-1-1.x86_64 kernel-1-1.x86_64',
    );
  });

  it('are not there twice in one version', () => {
    const twice = answer(resolveIn([{ packages: [core('1')] }, { packages: [core('1')] }], ['core/repo0', 'core/repo1']));
    expect(twice).toBe('ICT_RPM_UNSATISFIABLE');
  });
});

describe('boolean dependencies', () => {
  const others = [
    pkg('b-1-1.noarch'),
    pkg('c-1-1.noarch'),
    pkg('d-1-1.noarch', { provides: ['v', 'w'] }),
    pkg('e-1-1.noarch', { provides: ['v'] }),
  ];
  it.each([
    ['(b or c)', [], 'a b'],
    ['(c or b)', [], 'a c'],
    ['(b and c)', [], 'a b c'],
    ['(b if c)', [], 'a'],
    ['(b if c)', ['c'], 'a b c'],
    ['(b if c else d)', [], 'a d'],
    ['(b if c else d)', ['c'], 'a b c'],
    ['(v with w)', [], 'a d'],
    ['(v without w)', [], 'a e'],
    ['((b and c) or d)', [], 'a b c'],
    ['(b unless c)', [], 'a b'],
    ['(b unless c)', ['c'], 'ICT_RPM_UNSATISFIABLE'],
    ['(b unless a)', [], 'ICT_RPM_UNSATISFIABLE'],
    ['(b if a)', [], 'a b'],
  ])('Requires: %s beside %j gives %s', (relation, requests, expected) => {
    const result = one([pkg('a-1-1.noarch', { requires: [relation] }), ...others], ['a', ...requests]);
    expect(result.replaceAll('-1-1.noarch', '')).toBe(expected);
  });

  it.each([
    ['(b and c)', ['b'], 'a b'],
    ['(b and c)', ['b', 'c'], 'ICT_RPM_UNSATISFIABLE'],
    ['(b unless c)', ['b', 'c'], 'a b c'],
    ['(b unless c)', ['b'], 'a b c'],
    ['(b or c)', ['c'], 'ICT_RPM_UNSATISFIABLE'],
    ['(a and b)', [], 'a'],
    ['(a and b)', ['b'], 'ICT_RPM_UNSATISFIABLE'],
    ['(a or b)', [], 'a'],
    ['(a or b)', ['b'], 'ICT_RPM_UNSATISFIABLE'],
    ['(a unless b)', [], 'a b'],
  ])('Conflicts: %s beside %j gives %s', (relation, requests, expected) => {
    const result = one([pkg('a-1-1.noarch', { conflicts: [relation] }), ...others], ['a', ...requests]);
    expect(result.replaceAll('-1-1.noarch', '')).toBe(expected);
  });
});

describe('weak dependencies', () => {
  const base = [
    pkg('b-1-1.noarch'),
    pkg('c-1-1.noarch', { conflicts: ['b'] }),
    pkg('s-1-1.noarch', { supplements: ['(b and x)'] }),
    pkg('x-1-1.noarch'),
  ];
  it('bring packages in, when they count and nothing is in the way', () => {
    const universe = [pkg('a-1-1.noarch', { recommends: ['b'] }), ...base];
    expect(one(universe, ['a'])).toBe('a-1-1.noarch b-1-1.noarch');
    expect(one(universe, ['a'], false)).toBe('a-1-1.noarch');
    expect(one(universe, ['a', 'c'])).toBe('a-1-1.noarch c-1-1.noarch');
    const dropped = resolveIn([{ packages: universe }], ['a', 'c']);
    expect(dropped.kind === 'resolved' && dropped.warnings.map(({ code }) => code)).toEqual(['ICT_RPM_RECOMMENDS_DROPPED']);
  });

  it('work backwards when all that they speak of is there', () => {
    expect(one(base, ['b'])).toBe('b-1-1.noarch');
    expect(one(base, ['b', 'x'])).toBe('b-1-1.noarch s-1-1.noarch x-1-1.noarch');
    expect(one(base, ['b', 'x'], false)).toBe('b-1-1.noarch x-1-1.noarch');
  });

  it('steer a choice without bringing anything in', () => {
    const universe = [
      pkg('a-1-1.noarch', { requires: ['v'] }),
      pkg('b-1-1.noarch', { provides: ['v'] }),
      pkg('c-1-1.noarch', { provides: ['v'] }),
    ];
    expect(one(universe, ['a'])).toBe('a-1-1.noarch b-1-1.noarch');
    const suggesting = [pkg('a-1-1.noarch', { requires: ['v'], suggests: ['c'] }), ...universe.slice(1)];
    expect(one(suggesting, ['a'])).toBe('a-1-1.noarch c-1-1.noarch');
  });
});

describe('a dependency that cannot be read', () => {
  it('is told with repository, package and field, and the rest stays usable', () => {
    const packages = [
      pkg('a-2-1.noarch', { requires: ['(b or'] }),
      pkg('a-1-1.noarch', { recommends: ['(b if'], requires: ['b'] }),
      pkg('b-1-1.noarch'),
    ];
    const resolution = resolveIn([{ packages }], ['a']);
    expect(answer(resolution)).toBe('a-1-1.noarch b-1-1.noarch');
    expect(resolution.kind === 'resolved' && resolution.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'ICT_RPM_RELATION_INVALID repository "repo0": a 2-1: its Requires "(b or" is not valid',
      'ICT_RPM_RELATION_INVALID repository "repo0": a 1-1: its Recommends "(b if" is not valid',
    ]);
  });
});

describe('a boolean dependency that is too complex', () => {
  const providers = (name: string, count: number) =>
    Array.from({ length: count }, (_, at) => pkg(`${name}${at}-1-1.noarch`, { provides: [name] }));
  const universe = [...providers('p', 65), ...providers('q', 64), pkg('b-1-1.noarch')];
  /** 65 times 64 pairs of packages make it a need. */
  const relation = '(gone if (p and q))';

  it.each(['requires', 'conflicts'] as const)('is never taken for one that is met (%s)', (field) => {
    const text = field === 'requires' ? relation : '((b and p) and q)';
    const packages = [pkg('a-2-1.noarch', { [field]: [text] }), pkg('a-1-1.noarch'), ...universe];
    const resolution = resolveIn([{ packages }], ['a']);
    expect(answer(resolution)).toBe('a-1-1.noarch');
    expect(resolution.kind === 'resolved' && resolution.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `ICT_RPM_RELATION_INVALID repository "repo0": a 2-1: its ${field === 'requires' ? 'Requires' : 'Conflicts'} "${text}" is too complex`,
    ]);
  });

  /** 2 to the power of 9 clauses. */
  const ofManyClauses = `(${Array.from({ length: 9 }, (_, at) => `(x${at} and y${at})`).join(' or ')})`;

  it.each([
    ['requires', relation],
    ['requires', ofManyClauses],
    ['conflicts', '((b and p) and q)'],
  ])('keeps its package out when there is no other, and no repository can help (%s %s)', (field, text) => {
    const resolution = resolveIn([{ packages: [pkg('a-1-1.noarch', { [field]: [text] }), ...universe] }], ['a']);
    expect(resolution).toMatchObject({ kind: 'unsolvable', problems: [{ code: 'ICT_RPM_UNSATISFIABLE', hint: 'Leave out "a".' }] });
    expect(resolution.kind === 'unsolvable' && resolution.problems[0]?.message).toContain(`"${text}" is too complex`);
  });

  it('is not one whose condition nothing fulfils, however many packages are in it', () => {
    const parts = ['p', 'q', 'r', 's', 't'];
    const packages = [pkg('a-1-1.noarch', { requires: [`(gone if (${parts.join(' and ')} and absent))`] }), ...parts.flatMap((part) => providers(part, 100))]; // prettier-ignore
    expect(answer(resolveIn([{ packages }], ['a']))).toBe('a-1-1.noarch');
  });

  it('counts as ever with as many as are looked at', () => {
    const fewer = universe.filter(({ nevra }) => nevra !== 'p64-1-1.noarch');
    const packages = [pkg('a-1-1.noarch', { requires: [relation] }), ...fewer];
    expect(answer(resolveIn([{ packages }], ['a', 'p0']))).toBe('a-1-1.noarch p0-1-1.noarch');
    expect(answer(resolveIn([{ packages }], ['a', 'p0', 'q0']))).toBe('ICT_RPM_UNSATISFIABLE');
  });
});

describe('relations of a closure', () => {
  const packages = [
    pkg('a-1-1.noarch', {
      requires: ['b >= 1', 'v', '(c or d)', 'b >= 1', 'rpmlib(CompressedFileNames) = 3.0.4-1'],
      recommends: ['e', 'gone'],
    }),
    ...[pkg('b-2-1.noarch'), pkg('c-1-1.noarch', { provides: ['v'] }), pkg('e-1-1.noarch')],
  ];
  it.each([
    [true, ['Requires b >= 1 b', 'Requires (c or d) c', 'Requires v c', 'Recommends e e']],
    [false, ['Requires b >= 1 b', 'Requires (c or d) c', 'Requires v c']],
  ])('quote the packages, each once; weak ones: %s', (weak, expected) => {
    const resolution = resolveIn([{ packages }], ['a'], weak);
    const relations = resolution.kind === 'resolved' ? resolution.closure.relations! : [];
    expect(relations.map(({ field, text, to }) => `${field} ${text} ${to.replace(':noarch', '')}`)).toEqual(expected);
    expect(new Set(relations.map(({ from, kind }) => `${from} ${kind}`))).toEqual(
      new Set(['a:noarch requires', ...(weak ? ['a:noarch recommends'] : [])]),
    );
  });
});

describe('an explanation', () => {
  it.each([
    ['opnessl', 'Did you mean "openssl"?'],
    ['@tolos', 'Did you mean "@tools"?'],
    ['nothing-like-it', 'Look for the name in repo0, or add the repository that has it.'],
  ])('of an unknown name asks what was meant: %s', (request, hint) => {
    const resolution = resolveIn([{ packages: [pkg('openssl-3-1.noarch'), pkg('bash-5-1.noarch')] }], [request]);
    expect(resolution).toMatchObject({ kind: 'unsolvable', problems: [{ code: 'ICT_RPM_UNKNOWN_PACKAGE', hint }] });
  });

  it('derives what is missing from the request', () => {
    const resolution = resolveIn(
      [{ packages: [pkg('a-1-1.noarch', { requires: ['b'] }), pkg('b-1-1.noarch', { requires: ['lib.so()(64bit)'] })] }],
      ['a'],
    );
    expect(resolution).toMatchObject({
      kind: 'unsolvable',
      problems: [
        { because: ['the template asks for a', 'a 1-1 needs b', 'b 1-1 needs lib.so()(64bit), but no repository has lib.so()(64bit)'] },
      ],
    });
  });
});
