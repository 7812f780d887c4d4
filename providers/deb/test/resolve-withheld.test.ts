import { describe, expect, it } from 'vitest';
import type { PackagePin, Problem } from '@ict/plugin-api';
import { readPins } from '../src/resolve/resolve-pins.js';
import { resolveChecked } from './checked-resolution.js';
import type { PoolRepository } from '../src/resolve/resolve-solvables.js';
import { toRepositories, type CaseRepository } from './resolve-case-file.js';

const PACKAGES: CaseRepository['packages'] = [
  { name: 'server', version: '2', fields: ['Depends: server-common (= 2)'] },
  { name: 'server-common', version: '2' },
  { name: 'bystander', version: '1', fields: ['Replaces: daemon', 'Breaks: other'] },
  { name: 'daemond', version: '3', fields: ['Replaces: daemon (<< 3), daemon-extra', 'Breaks: daemon (<< 3)'] },
  { name: 'daemon-ng', version: '3', fields: ['Replaces: daemon', 'Conflicts: daemon'] },
];

/** What is said when a request over one repository, and one of another suite, cannot be fulfilled. */
function problemOf(
  request: string,
  {
    exclude,
    pins,
    ...rest
  }: Partial<CaseRepository> & { readonly exclude?: readonly string[]; readonly pins?: readonly PackagePin[] } = {},
): Problem {
  const [main, other] = toRepositories([
    { id: 'main', suite: 'stable', packages: PACKAGES, ...rest },
    { id: 'other', suite: 'testing', packages: [{ name: 'apart', version: '1' }] },
  ]);
  const withheld = {
    ...main!,
    ...(exclude === undefined ? {} : { exclude }),
    ...(pins === undefined ? {} : { pins: readPins(pins, { names: ['stable'], origin: undefined }) }),
  };
  const answer = resolveChecked({
    repositories: [withheld, other!],
    arch: 'amd64',
    seeds: [{ request, reason: 'template' }],
    recommends: false,
  });
  if (answer.kind === 'resolved') throw new Error(`${request} can be installed`);
  return answer.problems[0];
}

type Rules = Pick<PoolRepository, 'allow' | 'exclude'> & { readonly pins?: readonly PackagePin[] };

describe('a package that the template keeps out', () => {
  const never = (packages: readonly string[]) => ({ pins: [{ packages, priority: -1 }] });

  it.each([
    ['a pattern of excludePackages', { exclude: ['serv*'] }, '"excludePackages" of repository "main" names it as "serv*"'],
    ['allowPackages', { allow: ['daemond'] }, '"allowPackages" of repository "main" does not name it'],
    ['a pin', never(['server']), '"packagePins" give it priority -1 in repository "main"'],
    ['the priority of its repository', { priority: -5 }, 'repository "main" has priority -5'],
  ])('by %s is not called unknown', (_what, rule, because) => {
    for (const request of ['server', 'server=2', 'server/stable']) {
      const { code, message } = problemOf(request, rule);
      expect([code, message]).toEqual(['ICT_DEB_PACKAGE_WITHHELD', `"${request}" may not be installed: server 2 is not taken: ${because}`]);
    }
  });

  it('is named where another needs it, with the repair', () => {
    const { code, because, hint } = problemOf('server', never(['server-common']));
    expect(code).toBe('ICT_DEB_UNSATISFIABLE');
    expect(because).toEqual([
      'the template asks for server',
      'server 2 needs server-common (= 2), but server-common 2 is not taken: "packagePins" give it priority -1 in repository "main"',
    ]);
    expect(hint).toBe('Leave out "server", or let server-common 2 be taken.');
  });
});

describe('a package that several requests need and the template keeps out', () => {
  const NEEDING = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

  it.each<[string, Rules]>([
    ['a pin below 0', { pins: [{ packages: ['shared'], priority: -1 }] }],
    ['a list', { exclude: ['shared'] }],
  ])('is told once: %s', (_what, { pins, ...lists }) => {
    const [main] = toRepositories([
      {
        id: 'main',
        packages: [
          ...NEEDING.map((name, n) => ({ name, version: '1', fields: [`Depends: shared (>= ${n % 2})`] })),
          { name: 'shared', version: '3' },
          { name: 'lonely', version: '1', fields: ['Depends: nothing'] },
        ],
      },
    ]);
    const answer = resolveChecked({
      repositories: [
        { ...main!, ...lists, ...(pins === undefined ? {} : { pins: readPins(pins, { names: ['main'], origin: undefined }) }) },
      ],
      arch: 'amd64',
      seeds: [...NEEDING, 'lonely'].map((request) => ({ request, reason: 'template' })),
      recommends: false,
    });
    const problems = answer.kind === 'resolved' ? [] : answer.problems;
    expect(problems.map(({ message, hint }) => [message, hint])).toEqual([
      [expect.stringMatching(/^"a" cannot be installed/), 'Let shared 3 be taken.'],
      [expect.stringMatching(/^"lonely" cannot be installed/), expect.stringContaining('nothing')],
    ]);
    expect(problems[0]?.because.at(-1)).toBe('for the same reason "b", "c", "d", "e", "f" and "g" cannot be installed');
  });
});

describe('a package of the base system that the template keeps out', () => {
  const BASE: CaseRepository['packages'] = [
    { name: 'shell', version: '5', fields: ['Essential: yes', 'Priority: required'] },
    { name: 'clock', version: '3', arch: 'all', fields: ['Priority: required'] },
    { name: 'pager', version: '2', fields: ['Priority: required'] },
    { name: 'tool', version: '1', fields: ['Depends: pager'] },
  ];
  const EXTRA: CaseRepository['packages'] = [
    { name: 'vendor-base', version: '1', fields: ['Essential: yes'] },
    { name: 'extra', version: '1' },
  ];

  /** Codes and texts of what is told, and what is taken, when the base system and a package are asked for. */
  function told(rules: Rules, request = 'extra', others: Rules = {}) {
    const rule = (suite: string, { pins, ...lists }: Rules) => ({
      ...lists,
      ...(pins === undefined ? {} : { pins: readPins(pins, { names: [suite], origin: undefined }) }),
    });
    const [main, extra] = toRepositories([
      { id: 'main', packages: BASE },
      { id: 'extra', packages: EXTRA },
    ]);
    const answer = resolveChecked({
      repositories: [
        { ...main!, ...rule('main', rules) },
        { ...extra!, ...rule('extra', { allow: ['extra'], ...others }) },
      ],
      arch: 'amd64',
      seeds: [{ request, reason: 'template' }],
      essential: { priorities: ['required'], packages: [] },
      recommends: false,
    });
    const problems = answer.kind === 'resolved' ? answer.warnings : answer.problems;
    return {
      taken: answer.kind === 'resolved' ? answer.closure.packages.map(({ name }) => name).join(' ') : undefined,
      told: problems.flatMap(({ code, message, because }) => [`${code} ${message}`, ...because]),
    };
  }

  it('is no matter where nothing names one', () => {
    expect(told({})).toEqual({ taken: 'clock extra pager shell', told: [] });
    expect(told({}, 'extra', { exclude: ['other'] })).toEqual({ taken: 'clock extra pager shell', told: [] });
    expect(told({}, 'extra', { pins: [{ packages: ['*'], priority: -1 }], allow: [] }).told).toEqual([
      'ICT_DEB_PACKAGE_WITHHELD "extra" may not be installed: extra 1 is not taken: "packagePins" give it priority -1 in repository "extra"',
    ]);
  });

  it.each<[string, Rules, string]>([
    ['excludePackages', { exclude: ['sh*'] }, '"excludePackages" of repository "main" names it as "sh*"'],
    ['a pin', { pins: [{ packages: ['shell'], priority: -1 }] }, '"packagePins" give it priority -1 in repository "main"'],
  ])('is an error when it is essential: by %s', (_what, rules, because) => {
    expect(told(rules)).toEqual({
      taken: undefined,
      told: [`ICT_DEB_PACKAGE_WITHHELD "shell", which the base system asks for, may not be installed: shell 5 is not taken: ${because}`],
    });
  });

  it('is left out with a warning when it belongs there by its priority', () => {
    expect(told({ exclude: ['clock'], pins: [{ packages: ['pager'], priority: -7 }] })).toEqual({
      taken: 'extra shell',
      told: [
        'ICT_DEB_BASE_WITHHELD the base system goes without clock, pager',
        'clock 3 is not taken: "excludePackages" of repository "main" names it',
        'pager 2 is not taken: "packagePins" give it priority -7 in repository "main"',
      ],
    });
  });

  it('is missed by what needs it', () => {
    expect(told({ exclude: ['pager'] }, 'tool').told).toEqual([
      expect.stringMatching(/^ICT_DEB_UNSATISFIABLE /),
      'the template asks for tool',
      'tool 1 needs pager, but pager 2 is not taken: "excludePackages" of repository "main" names it',
    ]);
  });

  it('is taken from another repository that has it', () => {
    expect(told({ exclude: ['shell'] }, 'extra', { allow: [], exclude: [] }).taken).toBeUndefined();
    expect(told({}, 'extra', { allow: [], exclude: ['vendor-*'] }).told).toEqual([expect.stringContaining('vendor-base')]);
  });
});

describe('what is not there', () => {
  it.each([
    ['daemon', 'ICT_DEB_UNKNOWN_PACKAGE', 'Ask for what replaces it: "daemon-ng" or "daemond".'],
    ['daemon-extra', 'ICT_DEB_UNKNOWN_PACKAGE', 'Look for the name in main, other, or add the repository that has it.'],
    ['server=1', 'ICT_DEB_UNKNOWN_VERSION', 'There is 2 (main).'],
    ['server/testing', 'ICT_DEB_UNKNOWN_VERSION', 'There is 2 (main).'],
    [
      'server/sid',
      'ICT_DEB_UNKNOWN_VERSION',
      'There is stable, testing. Add a repository of sid under packageRepositories, or leave "/sid" out.',
    ],
  ])('%s: %s', (request, code, hint) => {
    expect(problemOf(request)).toMatchObject({ code, hint });
  });

  it('makes no problem of what another package says to replace and cannot be read', () => {
    const packages = [{ name: 'odd', version: '1', fields: ['Replaces: gone ('] }];
    const answer = resolveChecked({
      repositories: toRepositories([{ id: 'main', packages }]),
      arch: 'amd64',
      seeds: ['gone', 'odd'].map((request) => ({ request, reason: 'template' })),
      recommends: false,
    });
    expect(answer.kind === 'unsolvable' && answer.problems.map(({ code }) => code)).toEqual(['ICT_DEB_UNKNOWN_PACKAGE']);
  });
});
