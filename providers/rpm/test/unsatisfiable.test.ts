import type { Problem, Seed } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { hiddenByModules } from '../src/metadata/module-filter.js';
import { chooseStreams } from '../src/metadata/module-streams.js';
import type { ModuleBuild, Modules } from '../src/metadata/modules.js';
import type { PoolRepository } from '../src/resolve/resolve-pool.js';
import { RelationTable } from '../src/relations/relation.js';
import { resolveChecked } from './checked-resolution.js';
import { toIndex, type TestPackage } from './resolve-universe.js';

/** What a repository has: packages with their relations, and rules of the template. */
interface Repository extends Partial<Pick<PoolRepository, 'priority'>> {
  readonly packages: Readonly<Record<string, TestPackage['relations']>>;
  /** Streams of modules, which count as with dnf. */
  readonly modules?: readonly Stream[];
  readonly allow?: readonly string[];
  readonly exclude?: readonly string[];
}

/** A stream of a module. */
interface Stream extends Partial<Pick<ModuleBuild, 'profiles' | 'requires'>> {
  readonly of: `${string}:${string}`;
  readonly artifacts: readonly string[];
  readonly isDefault?: true;
}

function toModules(streams: readonly Stream[]): Modules {
  const builds = streams.map(({ of, artifacts, profiles = {}, requires = [] }): ModuleBuild => {
    const [name, stream] = of.split(':') as [string, string];
    return { name, stream, version: '1', context: 'c', arch: '', requires, profiles, artifacts, demodularized: [] };
  });
  const defaults = builds
    .filter((_, at) => streams[at]!.isDefault === true)
    .map(({ name, stream }) => ({ name, stream, profiles: {}, modified: '0' }));
  return { builds, defaults };
}

/** What a user reads when `requests` cannot be had: message, derivation and repairs, a line each. A request is named with its line. */
function told(requests: readonly string[], ...repositories: readonly Repository[]): string {
  const table = new RelationTable();
  const seeds = requests.map((text, line): Seed => {
    const [, reason = 'template', request = ''] = /^(?:\((\w+)\) )?(.*)$/.exec(text)!;
    const position = { file: 'image.yml', line: line + 1, column: 7 };
    return { request, reason: reason as Seed['reason'], ...(reason === 'template' ? { position } : {}) };
  });
  const modules = toModules(repositories.flatMap((repository) => repository.modules ?? []));
  const chosen = chooseStreams(modules, seeds.map(({ request }) => request), 'x86_64'); // prettier-ignore
  const resolution = resolveChecked({
    repositories: repositories.map(({ packages, priority = 0, allow = [], exclude = [], modules: own }, number) => {
      const index = toIndex(
        Object.entries(packages).map(([nevra, relations = {}]) => ({ nevra, relations })),
        table,
      );
      const hidden = own === undefined ? {} : { hidden: hiddenByModules(index, modules, chosen.active) };
      return { id: ['main', 'extra'][number]!, priority, cost: 1000, filter: { allow, exclude }, index, ...hidden };
    }),
    arch: 'x86_64',
    seeds,
    collections: {
      comps: { groups: new Map(), environments: new Map() },
      ...(modules.builds.length === 0 ? {} : { modules: { ...modules, ...chosen } }),
    },
    table,
    recommends: true,
  });
  if (resolution.kind === 'resolved') return `resolved: ${resolution.closure.packages.map(({ id }) => id).join(' ')}`;
  return resolution.problems.map(tell).join('\n');
}

const tell = ({ code, message, hint, position, because }: Problem): string =>
  [
    `${code} ${message}${position === undefined ? '' : ` (line ${position.line})`}`,
    ...because.map((line) => `  ${line}`),
    `  -> ${hint}`,
  ].join('\n');

const NODES: Repository['packages'] = { 'node-18-1.x86_64': {}, 'node-16-1.x86_64': {} };
const NODE_16: Stream = { of: 'nodejs:16', artifacts: ['node-0:16-1.x86_64'] };
const NODE_18: Stream = { of: 'nodejs:18', artifacts: ['node-0:18-1.x86_64'] };
const WITHHELD =
  'ICT_RPM_PACKAGE_WITHHELD "node=18" may not be installed: node 18-1.x86_64 is not taken: it is in module nodejs:18, which is not enabled; nodejs:16 is';

it.each<[string, readonly string[], readonly Repository[], readonly string[]]>([
  [
    'an older version is there',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['b >= 2'] }, 'b-1-1.x86_64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs b >= 2, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs b >= 2, but b is 1-1 (main)',
      '  -> Leave out "a", or add a repository that has b >= 2.',
    ],
  ],
  [
    'a conflict with what another provides',
    ['a', 'b', 'c'],
    [{ packages: { 'a-1-1.x86_64': { conflicts: ['mta'] }, 'b-1-1.x86_64': { provides: ['mta'] }, 'c-1-1.noarch': { requires: ['b'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" and "b" cannot be installed together (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 conflicts with mta, and that is b 1-1.x86_64 (it provides mta)',
      '  the template asks for b (image.yml:2)',
      '  -> Leave out "a".',
    ],
  ],
  [
    'a version that another replaces',
    ['a=1', 'b'],
    [{ packages: { 'a-1-1.x86_64': {}, 'a-2-1.x86_64': {}, 'b-1-1.x86_64': { obsoletes: ['a < 2'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a=1" and "b" cannot be installed together (line 1)',
      '  the template asks for a=1 (image.yml:1)',
      '  the template asks for b (image.yml:2)',
      '  b 1-1.x86_64 replaces a < 2, and that is a 1-1.x86_64',
      '  -> Ask for "a" instead of "a=1", or leave out "a=1", or leave out "b".',
    ],
  ],
  [
    'two versions of one package',
    ['a=1', 'c'],
    [{ packages: { 'a-1-1.x86_64': {}, 'a-2-1.x86_64': {}, 'c-1-1.x86_64': { requires: ['a >= 2'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a=1" and "c" cannot be installed together (line 1)',
      '  the template asks for a=1 (image.yml:1)',
      '  only one version of a can be installed: 1-1 or 2-1',
      '  the template asks for c (image.yml:2)',
      '  c 1-1.x86_64 needs a >= 2',
      '  -> Ask for "a" instead of "a=1", or leave out "a=1", or leave out "c".',
    ],
  ],
  [
    'an excluded name',
    ['nginx'],
    [{ packages: { 'nginx-1-1.x86_64': {} }, exclude: ['ngi*'] }],
    [
      'ICT_RPM_PACKAGE_WITHHELD "nginx" may not be installed: nginx 1-1.x86_64 is not taken: "excludePackages" of repository "main" names it as "ngi*" (line 1)',
      '  -> Let nginx 1-1.x86_64 be taken, or leave out "nginx".',
    ],
  ],
  [
    'a need that is excluded',
    ['web'],
    [{ packages: { 'web-1-1.noarch': { requires: ['nginx >= 1'] }, 'nginx-1-1.x86_64': {} }, exclude: ['nginx'] }],
    [
      'ICT_RPM_UNSATISFIABLE "web" cannot be installed: web 1-1 needs nginx >= 1, which cannot be had (line 1)',
      '  the template asks for web (image.yml:1)',
      '  web 1-1 needs nginx >= 1, but nginx 1-1.x86_64 is not taken: "excludePackages" of repository "main" names it',
      '  -> Leave out "web", or let nginx 1-1.x86_64 be taken.',
    ],
  ],
  [
    'a need that the list of names leaves out',
    ['web'],
    [{ packages: { 'web-1-1.noarch': { requires: ['httpd'] }, 'nginx-1-1.x86_64': { provides: ['httpd'] } }, allow: ['web'] }],
    [
      'ICT_RPM_UNSATISFIABLE "web" cannot be installed: web 1-1 needs httpd, which cannot be had (line 1)',
      '  the template asks for web (image.yml:1)',
      '  web 1-1 needs httpd, but nginx 1-1.x86_64 is not taken: "allowPackages" of repository "main" does not name it',
      '  -> Leave out "web", or let nginx 1-1.x86_64 be taken.',
    ],
  ],
  [
    'an excluded package of the base system',
    ['(essential) bash', 'web'],
    [{ packages: { 'web-1-1.noarch': {}, 'bash-5-1.x86_64': {} }, exclude: ['bash'] }],
    [
      'ICT_RPM_PACKAGE_WITHHELD "bash", which the base system asks for, may not be installed: bash 5-1.x86_64 is not taken: "excludePackages" of repository "main" names it',
      '  -> Let bash 5-1.x86_64 be taken.',
    ],
  ],
  [
    'an excluded need of the base system',
    ['(essential) bash', 'web'],
    [{ packages: { 'web-1-1.noarch': {}, 'bash-5-1.x86_64': { requires: ['glibc'] }, 'glibc-2-1.x86_64': {} }, exclude: ['glibc'] }],
    [
      'ICT_RPM_UNSATISFIABLE "bash" cannot be installed: bash 5-1.x86_64 needs glibc, which cannot be had',
      '  the base system asks for bash',
      '  bash 5-1.x86_64 needs glibc, but glibc 2-1.x86_64 is not taken: "excludePackages" of repository "main" names it',
      '  -> Let glibc 2-1.x86_64 be taken.',
    ],
  ],
  [
    'a package that the base system excludes',
    ['(essential) bash', 'busybox'],
    [{ packages: { 'busybox-1-1.x86_64': { conflicts: ['bash'] }, 'bash-5-1.x86_64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "bash" and "busybox" cannot be installed together (line 2)',
      '  the base system asks for bash',
      '  the template asks for busybox (image.yml:2)',
      '  busybox 1-1.x86_64 conflicts with bash, and that is bash 5-1.x86_64',
      '  -> Leave out "busybox".',
    ],
  ],
  [
    'a package of the base system that is not there',
    ['(essential) bash'],
    [{ packages: { 'web-1-1.noarch': {} } }],
    [
      'ICT_RPM_UNKNOWN_PACKAGE no repository has a package "bash", which the base system asks for',
      '  -> Look for the name in main, or add the repository that has it.',
    ],
  ],
  [
    'an architecture that no such image has',
    ['a.aarch64'],
    [{ packages: { 'a-1-1.x86_64': {}, 'a-1-1.aarch64': {} } }],
    [
      'ICT_RPM_UNKNOWN_PACKAGE "a.aarch64" asks for architecture aarch64; an image of x86_64 has packages of x86_64, i686, i586, i486, i386 and noarch only (line 1)',
      '  -> There is a 1-1.x86_64.',
    ],
  ],
  [
    'a package for other architectures only',
    ['a'],
    [{ packages: { 'a-1-1.aarch64': {} } }],
    ['ICT_RPM_UNKNOWN_PACKAGE no repository has a package "a" for x86_64 (line 1)', '  -> There is a 1-1.aarch64.'],
  ],
  [
    'an architecture that the repository does not have',
    ['a.i686'],
    [{ packages: { 'a-1-1.x86_64': {} } }],
    ['ICT_RPM_UNKNOWN_PACKAGE no repository has a package "a" for i686 (line 1)', '  -> There is a 1-1.x86_64.'],
  ],
  [
    'a name that ends like an architecture',
    ['python3.11'],
    [{ packages: { 'python3-1-1.x86_64': {} } }],
    ['ICT_RPM_UNKNOWN_PACKAGE no repository has a package "python3.11" (line 1)', '  -> Did you mean "python3"?'],
  ],
  ...(
    [
      ['with its version, as dnf takes it', 'lib-2-1.0', 'lib-2=1.0'],
      ['with version and release', 'lib-2-1.0-1', 'lib-2=1.0-1'],
      ['with an architecture, too', 'a-2:1-1.x86_64', 'a.x86_64=2:1-1'],
      ['with a version that is not there', 'a-9.5', 'a=9.5'],
    ] as const
  ).map(([what, request, meant]): [string, readonly string[], readonly Repository[], readonly string[]] => [
    `a package ${what}`,
    [request],
    [{ packages: { 'a-1-1.x86_64': {}, 'lib-2-1.0-1.x86_64': {} } }],
    [`ICT_RPM_UNKNOWN_PACKAGE no repository has a package "${request}" (line 1)`, `  -> Did you mean "${meant}"?`],
  ]),
  [
    'a need for other architectures only',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['b'] }, 'b-1-1.aarch64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs b, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs b, but b 1-1.aarch64 of main is for another architecture',
      '  -> Leave out "a", or add a repository that has b.',
    ],
  ],
  [
    'a need that is there as source only',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['b'] }, 'b-1-1.src': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs b, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs b, but no repository has b',
      '  -> Leave out "a", or add a repository that has b.',
    ],
  ],
  [
    'a name that another replaces',
    ['iptables'],
    [{ packages: { 'nftables-1-1.x86_64': { obsoletes: ['iptables < 2'] } } }],
    ['ICT_RPM_UNKNOWN_PACKAGE no repository has a package "iptables" any more (line 1)', '  -> Ask for what replaces it: "nftables".'],
  ],
  [
    'a need that another replaces',
    ['fw'],
    [{ packages: { 'fw-1-1.x86_64': { requires: ['iptables'] }, 'nftables-1-1.x86_64': { obsoletes: ['iptables < 2'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "fw" cannot be installed: fw 1-1.x86_64 needs iptables, which cannot be had (line 1)',
      '  the template asks for fw (image.yml:1)',
      '  fw 1-1.x86_64 needs iptables, but no repository has iptables any more; it is replaced by nftables',
      '  -> Leave out "fw", or add a repository that has iptables.',
    ],
  ],
  [
    'a need beside what replaces it',
    ['fw', 'nftables'],
    [
      {
        packages: {
          'fw-1-1.x86_64': { requires: ['iptables'] },
          'iptables-1-1.x86_64': {},
          'nftables-1-1.x86_64': { obsoletes: ['iptables < 2'] },
        },
      },
    ],
    [
      'ICT_RPM_UNSATISFIABLE "fw" and "nftables" cannot be installed together (line 1)',
      '  the template asks for fw (image.yml:1)',
      '  fw 1-1.x86_64 needs iptables',
      '  the template asks for nftables (image.yml:2)',
      '  nftables 1-1.x86_64 replaces iptables < 2, and that is iptables 1-1.x86_64',
      '  -> Leave out "nftables", or leave out "fw".',
    ],
  ],
  [
    'a file',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['/usr/bin/perl'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs /usr/bin/perl, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs /usr/bin/perl, but no repository has a package with that file',
      '  -> Leave out "a", or add a repository that has /usr/bin/perl.',
    ],
  ],
  [
    'a choice of which nothing is there',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['(x or b >= 2)'] }, 'b-1-1.x86_64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs (x or b >= 2), which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs (x or b >= 2), but no repository has x; b is 1-1 (main)',
      '  -> Leave out "a", or add a repository that has x or b >= 2.',
    ],
  ],
  [
    'a condition that holds',
    ['a', 'b'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['(x if b)'] }, 'b-1-1.x86_64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" and "b" cannot be installed: a 1-1.x86_64 needs (x if b), which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs (x if b) beside b 1-1.x86_64, but no repository has x',
      '  the template asks for b (image.yml:2)',
      '  -> Leave out "a", or leave out "b", or add a repository that has x.',
    ],
  ],
  [
    'two needs of which another one is kept out as well',
    ['a'],
    [
      {
        packages: { 'a-1-1.x86_64': { requires: ['(b and x)'] }, 'b-1-1.x86_64': {}, 'c-1-1.x86_64': { provides: ['b'] } },
        exclude: ['c'],
      },
    ],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs (b and x), which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs (b and x), but no repository has x',
      '  -> Leave out "a", or add a repository that has x.',
    ],
  ],
  [
    'a name that begins like that of what provides it',
    ['web-server'],
    [{ packages: { 'web-1-1.x86_64': { provides: ['web-server'], requires: ['x'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "web-server" cannot be installed: web 1-1.x86_64 needs x, which cannot be had (line 1)',
      '  the template asks for web-server (image.yml:1), which can be web 1-1.x86_64',
      '  web 1-1.x86_64 needs x, but no repository has x',
      '  -> Leave out "web-server", or add a repository that has x.',
    ],
  ],
  [
    'what no package is alone',
    ['a'],
    [
      {
        packages: {
          'a-1-1.x86_64': { requires: ['(v with w)'] },
          'b-1-1.x86_64': { provides: ['v'] },
          'c-1-1.x86_64': { provides: ['w'] },
        },
      },
    ],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs (v with w), which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs (v with w), but no package is all of that',
      '  -> Leave out "a", or add a repository that has (v with w).',
    ],
  ],
  [
    'a dependency that cannot be read',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['(b or'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 of main cannot be used: its Requires "(b or" is not valid (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 of main cannot be used: its Requires "(b or" is not valid',
      '  -> Leave out "a".',
    ],
  ],
  [
    'a feature of rpm',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['rpmlib(Telepathy) <= 9'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs rpmlib(Telepathy) <= 9, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs rpmlib(Telepathy) <= 9, but that is a feature of rpm that is not known here',
      '  -> Leave out "a".',
    ],
  ],
  [
    'a repository that comes first',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['b >= 2'] }, 'b-2-1.x86_64': {} } }, { packages: { 'b-1-1.x86_64': {} }, priority: 10 }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs b >= 2, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs b >= 2, but b 2-1.x86_64 is not taken: repository "extra", which has a higher priority than "main", has b, too',
      '  -> Leave out "a", or give repository "main" the priority of "extra".',
    ],
  ],
  [
    'a repository that does not have it',
    ['a/extra'],
    [{ packages: { 'a-1-1.x86_64': {} } }, { packages: { 'b-1-1.x86_64': {} } }],
    ['ICT_RPM_UNKNOWN_VERSION there is no a in repository extra (line 1)', '  -> There is a 1-1.x86_64 (main).'],
  ],
  [
    'a version of a name that is provided in others',
    ['a'],
    [{ packages: { 'a-1-1.x86_64': { requires: ['v >= 3'] }, 'b-1-1.x86_64': { provides: ['v = 1', 'v = 2'] } } }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs v >= 3, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs v >= 3, but v is only provided by b 1-1.x86_64, as version 1 and 2',
      '  -> Leave out "a", or add a repository that has v >= 3.',
    ],
  ],
  [
    'a need in a module stream that is not active',
    ['a'],
    [
      {
        packages: { 'a-1-1.x86_64': { requires: ['node >= 18'] }, 'node-18-1.x86_64': {}, 'node-16-1.x86_64': {} },
        modules: [NODE_18],
      },
    ],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs node >= 18, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs node >= 18, but node 18-1.x86_64 is not taken: it is in module nodejs:18, which is not enabled',
      '  -> Add "nodejs:18" to the packages, or leave out "a".',
    ],
  ],
  [
    'a need that the active stream of a module hides',
    ['a'],
    [
      {
        packages: { 'a-1-1.x86_64': { requires: ['node >= 20'] }, 'node-20-1.x86_64': {}, 'node-16-1.x86_64': {} },
        modules: [{ ...NODE_16, isDefault: true }],
      },
    ],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs node >= 20, which cannot be had (line 1)',
      '  the template asks for a (image.yml:1)',
      '  a 1-1.x86_64 needs node >= 20, but node 20-1.x86_64 is not taken: module nodejs:16, which is enabled, has its own node',
      '  -> Leave out "a", or set "moduleHotfixes" of repository "main" in the definition.',
    ],
  ],
  [
    'a version in another stream of a module',
    ['node=18'],
    [{ packages: NODES, modules: [{ ...NODE_16, isDefault: true }, NODE_18] }],
    [`${WITHHELD} (line 1)`, '  -> Add "nodejs:18" to the packages, or leave out "node=18".'],
  ],
  [
    'a version in another stream than the one that is asked for',
    ['nodejs:16', 'node=18'],
    [{ packages: NODES, modules: [NODE_16, NODE_18] }],
    [`${WITHHELD} (line 2)`, '  -> Ask for "nodejs:18" instead of "nodejs:16", or leave out "node=18".'],
  ],
  [
    'a version in another stream than the one of which a profile is asked for',
    ['@nodejs:16/dev', 'node=18'],
    [
      {
        packages: NODES,
        modules: [
          { ...NODE_16, profiles: { dev: ['node'] } },
          { ...NODE_18, profiles: { dev: ['node'] } },
        ],
      },
    ],
    [`${WITHHELD} (line 2)`, '  -> Ask for "@nodejs:18/dev" instead of "@nodejs:16/dev", or leave out "node=18".'],
  ],
  [
    'a version in a stream that has not the profile that is asked for',
    ['@nodejs:16/dev', 'node=18'],
    [{ packages: NODES, modules: [{ ...NODE_16, profiles: { dev: ['node'] } }, NODE_18] }],
    [`${WITHHELD} (line 2)`, '  -> Leave out "node=18".'],
  ],
  [
    'a version in another stream than another module needs',
    ['tool:x', 'node=18'],
    [
      {
        packages: NODES,
        modules: [{ ...NODE_16, isDefault: true }, NODE_18, { of: 'tool:x', artifacts: [], requires: [{ nodejs: ['16'] }] }],
      },
    ],
    [`${WITHHELD} (line 2)`, '  -> Leave out "node=18".'],
  ],
  [
    'a version in another stream than the base system has',
    ['(essential) nodejs:16', 'node=18'],
    [{ packages: NODES, modules: [NODE_16, NODE_18] }],
    [`${WITHHELD} (line 2)`, '  -> Leave out "node=18".'],
  ],
  [
    'a version in a stream whose package cannot be installed',
    ['node=18'],
    [{ packages: { ...NODES, 'node-18-1.x86_64': { requires: ['missing'] } }, modules: [{ ...NODE_16, isDefault: true }, NODE_18] }],
    [`${WITHHELD} (line 1)`, '  -> Leave out "node=18".'],
  ],
  [
    'a version in a stream, beside a request that cannot be had anyway',
    ['node=18', 'nothing'],
    [{ packages: NODES, modules: [{ ...NODE_16, isDefault: true }, NODE_18] }],
    [
      `${WITHHELD} (line 1)`,
      '  -> Add "nodejs:18" to the packages, or leave out "node=18".',
      'ICT_RPM_UNKNOWN_PACKAGE no repository has a package "nothing" (line 2)',
      '  -> Look for the name in main, or add the repository that has it.',
    ],
  ],
  [
    'a need in another stream than the one that is asked for',
    ['nodejs:16', 'a'],
    [{ packages: { ...NODES, 'a-1-1.x86_64': { requires: ['node >= 18'] } }, modules: [NODE_16, NODE_18] }],
    [
      'ICT_RPM_UNSATISFIABLE "a" cannot be installed: a 1-1.x86_64 needs node >= 18, which cannot be had (line 2)',
      '  the template asks for a (image.yml:2)',
      '  a 1-1.x86_64 needs node >= 18, but node 18-1.x86_64 is not taken: it is in module nodejs:18, which is not enabled; nodejs:16 is',
      '  -> Ask for "nodejs:18" instead of "nodejs:16", or leave out "a".',
    ],
  ],
  [
    'the choice of boot loader',
    ['(bootloader) grub', 'sd'],
    [{ packages: { 'grub-1-1.x86_64': { conflicts: ['sd'] }, 'sd-1-1.x86_64': {} } }],
    [
      'ICT_RPM_UNSATISFIABLE "grub" and "sd" cannot be installed together (line 2)',
      '  the choice of boot loader asks for grub',
      '  grub 1-1.x86_64 conflicts with sd, and that is sd 1-1.x86_64',
      '  the template asks for sd (image.yml:2)',
      '  -> Choose another boot loader, or leave out "sd".',
    ],
  ],
  [
    'an unknown module',
    ['nodejs:18'],
    [{ packages: { 'kernel-1-1.x86_64': {} } }],
    ['ICT_RPM_UNKNOWN_MODULE no repository has a module "nodejs" (line 1)', '  -> The repositories have no modules.'],
  ],
])('tells of %s', (_what, requests, repositories, expected) => {
  expect(told(requests, ...repositories).split('\n')).toEqual(expected);
});
