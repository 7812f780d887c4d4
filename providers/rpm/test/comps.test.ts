import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop, type RpmSet } from '@ict/fixtures';
import type { DistributionDefinition, Resolution } from '@ict/plugin-api';
import { directoryArchive, fakeContext } from '@ict/plugin-testkit';
import { CompsReader, joinComps } from '../src/metadata/comps.js';
import { createRpmProvider } from '../src/provider.js';
import { resolvePinned } from './checked-resolution.js';
import { FIXTURES } from './fixture-index.js';
import { isOlder } from './host-versions.js';

/** By name: lines of their preambles. */
const PACKAGES: RpmSet = {
  ...{ must: [], typeless: [], usual: [], rare: [], extra: [], special: [], friend: [], 'special-b': [] },
  lonely: ['Provides: virtual'],
  foe: ['Conflicts: must'],
  aged: [],
  heir: ['Obsoletes: aged < 2'],
  'spare-part': [],
  'new-part': ['Obsoletes: spare-part < 2', 'Provides: spare-part = 2'],
  'mute-part': [],
  'mute-heir': ['Obsoletes: mute-part < 2'],
  'other-part': [],
  'all-parts': ['Provides: other-part = 2'],
};

const group = (id: string, ...packages: readonly string[]): string => namedGroup(id, id, ...packages);
const namedGroup = (id: string, name: string, ...packages: readonly string[]): string =>
  `<group><id>${id}</id><name>${name}</name><name xml:lang="de">Werkzeuge</name><description>Of ${id}</description>` +
  `<packagelist>${packages.join('')}</packagelist></group>`;
const member = (name: string, attributes: string): string => `<packagereq ${attributes}>${name}</packagereq>`;
const groups = (...ids: readonly string[]): string => ids.map((id) => `<groupid>${id}</groupid>`).join('');

/** What comps.xml of Fedora and CentOS begins with. */
const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
`;

/** comps.xml of the first repository, and of the second, which has one group of it as well. */
const COMPS = [
  [
    namedGroup(
      'tools',
      'First Tools',
      member('must', 'type="mandatory"'),
      '<packagereq>typeless</packagereq>',
      member('usual', 'type="default"'),
      member('rare', 'type="optional"'),
      member('absent', 'type="mandatory"'),
      member('special', 'type="conditional" requires="friend"'),
      member('special-b', 'type="conditional" requires="virtual"'),
    ),
    group('heritage', member('aged', 'type="mandatory"'), member('usual', 'type="default"')),
    ...['spare-part', 'mute-part', 'other-part'].map((name) => group(name, member(name, 'type="conditional" requires="friend"'))),
    group('clash', member('must', 'type="mandatory"'), member('foe', 'type="default"')),
    group('unmet', member('usual', 'type="conditional" requires="nowhere"'), member('lonely', 'type="mandatory"')),
    group(
      'native',
      member('native', 'type="mandatory" basearchonly="true"'),
      member('must', 'type="mandatory" basearchonly="true"'),
      member('special', 'type="conditional" requires="friend" basearchonly="true"'),
      member('usual', 'type="mandatory" basearchonly="1"'),
    ),
    group(
      'shifting',
      member('must', 'type="mandatory"'),
      member('special', 'type="conditional" requires="usual"'),
      member('rare', 'type="optional"'),
      member('usual', 'type="mandatory"'),
    ),
    group('needy', member('must', 'type="mandatory" requires="nowhere"')),
    namedGroup('slashed', 'C/C++ Tools', member('lonely', 'type="mandatory"')),
    namedGroup('lone', 'Team: Lone', member('lonely', 'type="mandatory"')),
    namedGroup('pair', 'Twin', member('rare', 'type="mandatory"'), member('usual', 'type="mandatory"')),
    // Both in two parts.
    group('parted', member('lonely', 'type="mandatory"'), member('must', 'type="mandatory"')),
    namedGroup('parted', '', member('usual', 'type="default"'), member('must', 'type="optional"')),
    ...['lone', 'heritage'].map(
      (id) =>
        `<environment><id>split</id><name>Split</name><description>Split</description><grouplist>${groups(id)}</grouplist></environment>`,
    ),
    '<environment><id>twin</id><name>Twins</name><description>Twins</description>',
    `<grouplist>${groups('tools', 'unmet')}</grouplist></environment>`,
    '<environment><id>desk</id><name>Desk For All</name><description>Desk</description>',
    `<grouplist>${groups('tools', 'gone')}</grouplist><optionlist>${groups('unmet')}</optionlist></environment>`,
    '<category><id>office</id><name>office</name><description>Office</description>',
    `<grouplist>${groups('tools')}</grouplist></category>`,
  ],
  [
    namedGroup('tools', 'Second Tools', member('extra', 'type="default"')),
    group('more', member('friend', 'type="mandatory"')),
    group('shifting', member('must', 'type="optional"'), member('special', 'type="optional"'), member('rare', 'type="mandatory"')),
  ],
].map((parts) => `${HEAD}<comps>${parts.join('')}</comps>`);

const workshop = new RpmWorkshop();
const NAMES = ['first', 'second'] as const;
beforeAll(() => {
  const files = [...workshop.buildSet(PACKAGES), workshop.build({ name: 'native', arch: 'x86_64' })];
  for (const [number, name] of NAMES.entries()) {
    const comps = join(workshop.directory, `comps-${name}.xml`);
    writeFileSync(comps, COMPS[number]!);
    workshop.repository(name, number === 0 ? files : [], undefined, ['--groupfile', comps]);
  }
}, 240_000);
afterAll(() => workshop.close());

/** Lets dnf say, for each question, what it would install into an empty root, without weak dependencies. */
const PROGRAM = `
import json, sys
import dnf, libdnf

work, repositories, questions = json.load(sys.stdin)
answers = []
for requests in questions:
    base = dnf.Base()
    base.conf.installroot = work + '/root'
    base.conf.cachedir = work + '/cache'
    base.conf.persistdir = work + '/state'
    base.conf.install_weak_deps = False
    base.conf.substitutions['releasever'] = '1'
    base.conf.substitutions['arch'] = base.conf.substitutions['basearch'] = 'x86_64'
    for number, address in enumerate(repositories):
        base.repos.add_new_repo('repo%d' % number, base.conf, baseurl=[address], gpgcheck=False)
    base.fill_sack(load_system_repo=False)
    base.read_comps(arch_filter=True)
    try:
        base.install_specs(requests)
        base.resolve()
        answers.append(sorted(package.name for package in base.transaction.install_set))
    except (dnf.exceptions.Error, libdnf.error.Error):
        answers.append(None)
json.dump(answers, sys.stdout)
`;

function askDnf(): Readonly<Record<string, string | null>> {
  const repositories = NAMES.map((name) => `file://${join(workshop.directory, name)}`);
  // dnf writes versions with a hyphen.
  const questions = QUESTIONS.map((question) => question.replaceAll('=', '-').split(', '));
  const input = JSON.stringify([workshop.directory, repositories, questions]);
  const output = execFileSync('/usr/bin/python3', ['-c', PROGRAM], { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
  const answers = JSON.parse(output) as readonly (readonly string[] | null)[];
  return Object.fromEntries(QUESTIONS.map((question, number) => [question, answers[number]?.join(' ') ?? null]));
}

async function resolve(requests: readonly string[], recommends: boolean): Promise<Resolution> {
  const archives = NAMES.map((name) => directoryArchive(`http://${name}.example`, join(workshop.directory, name)));
  await using ctx = fakeContext({ archives, nowSeconds: Math.floor(Date.now() / 1000) + 60 });
  const { metadata } = createRpmProvider();
  const specs = NAMES.map((id) => ({ id, archive: `http://${id}.example`, suite: '', components: [], keyrings: [], repoGpgCheck: false }));
  const snapshots = await Promise.all(specs.map((spec) => metadata.snapshot(spec, 'x86_64', ctx)));
  const seeds = requests.map((request) => ({ request, reason: `for ${request}` }));
  const distribution = {} as DistributionDefinition;
  return await resolvePinned({ arch: 'x86_64', distribution, snapshots, seeds, essential: false, recommends }, ctx);
}

const namesOf = (resolution: Resolution): string | null =>
  resolution.kind === 'unsolvable'
    ? null
    : resolution.closure.packages
        .map(({ name }) => name)
        .sort()
        .join(' ');

/** What dnf brings without weak dependencies, by names of packages; null where it finds no answer. */
const ANSWERS: Readonly<Record<string, string | null>> = {
  '@tools': 'extra must typeless usual',
  '@tools, friend': 'extra friend must special typeless usual',
  '@tools, lonely': 'extra lonely must special-b typeless usual',
  '@tools, @more': 'extra friend must special typeless usual',
  '@tools, rare': 'extra must rare typeless usual',
  '@clash': null,
  '@unmet': 'lonely',
  '@desk': 'extra must typeless usual',
  '@desk, @more': 'extra friend must special typeless usual',
  '@desk, @unmet': 'extra lonely must special-b typeless usual',
  '@tools, foe': null,
  '@gone': null,
  '@office': null,
  // What others replace.
  '@heritage': 'heir usual',
  '@heritage, aged': 'heir usual',
  '@heritage, aged=1.0': 'aged usual',
  '@spare-part, friend': 'friend new-part',
  '@mute-part, friend': 'friend mute-part',
  '@other-part, friend': 'all-parts friend',
  '@spare-part, friend, spare-part=1.0': 'friend spare-part',
  '@other-part, friend, other-part': 'friend other-part',
  '@other-part, friend, all-parts': 'all-parts friend',
  '@spare-part': '',
  // basearchonly: in the architecture of the machine and no other.
  '@native': 'native usual',
  '@native, friend': 'friend native usual',
  // Of a package of two repositories the last one says how it comes.
  '@shifting': 'rare usual',
  // By name, by either in other letters, by pattern; groups and environments apart.
  '@Second Tools': 'extra must typeless usual',
  '@First Tools': null,
  '@SECOND tools': 'extra must typeless usual',
  '@TOOLS': 'extra must typeless usual',
  '@Werkzeuge': null,
  '@sec*ls, @mo?e': 'extra friend must special typeless usual',
  '@[mn]*e': 'friend native usual',
  '@Team: Lone': 'lonely',
  '@Desk For All': 'extra must typeless usual',
  '@twin': 'extra lonely must rare special-b typeless usual',
  '@Twin': 'extra lonely must rare special-b typeless usual',
  '@nothing*': null,
  // Packages of some kinds alone; a condition is one whatever the kind.
  '@tools/optional': 'rare',
  '@tools/mandatory': 'must typeless',
  '@tools/default': 'extra usual',
  '@tools/mandatory,default,optional': 'extra must rare typeless usual',
  '@tools/conditional, friend': 'friend special',
  '@tools/optional, friend': 'friend rare',
  '@Second T*/optional,mandatory': 'must rare typeless',
  '@desk/optional': 'rare',
  '@unmet/optional': '',
  '@tools/nonsense': null,
  '@tools/optional,nonsense': null,
  '@needy': '',
  '@parted': 'lonely usual',
  '@parted/optional': 'must',
  '@split': 'heir lonely usual',
};
const QUESTIONS = Object.keys(ANSWERS);

describe('groups and environments', () => {
  it('are read from comps.xml of a real repository', () => {
    const name = '04460bfaf6cb5af6b0925d8c99401a44e5192d287796aed4cced5f7ce881761f-comps.f20.xml';
    const reader = new CompsReader(name);
    reader.write(readFileSync(join(FIXTURES, 'repos', 'createrepo_c-additional-metadata', 'repodata', name)));
    const { groups, environments } = reader.finish();
    const always = { kind: 'default', isOfMachine: false, requires: '' };
    const packages = ['blender', 'cura'].map((each) => ({ name: each, ...always }));
    expect([...groups.values()]).toEqual([{ id: '20d-printing', name: '20D Printing', packages }]);
    expect([...environments.values()]).toEqual([{ id: 'gnome-desktop-environment', name: 'GNOME Desktop', groups: ['base-x'] }]);
  });

  it('keep their names where a later repository has none for them', () => {
    const named = (name: string) => ({
      groups: new Map([['tools', { id: 'tools', name, packages: [] }]]),
      environments: new Map([['desk', { id: 'desk', name, groups: [] }]]),
    });
    for (const [names, expected] of [
      [['First', ''], 'First'],
      [['First', 'Second'], 'Second'],
      [['', ''], ''],
    ] as const) {
      const { groups, environments } = joinComps(names.map(named));
      expect([groups.get('tools')?.name, environments.get('desk')?.name]).toEqual([expected, expected]);
    }
  });

  it('bring what they bring with dnf, whether or not weak dependencies count', async () => {
    for (const recommends of [false, true]) {
      const mine: Record<string, string | null> = {};
      for (const question of QUESTIONS) mine[question] = namesOf(await resolve(question.split(', '), recommends));
      expect(mine).toEqual(ANSWERS);
    }
    // dnf cannot be asked where its reader of groups, libcomps 0.1, runs under Python 3.13: it crashes on every group.
    if (isOlder('python', '3.13')) expect(askDnf()).toEqual(ANSWERS);
  });

  it('are why their packages are there, conditional ones where the condition holds', async () => {
    const reasonsFor = async (...requests: readonly string[]): Promise<readonly string[] | undefined> => {
      const resolution = await resolve(requests, false);
      if (resolution.kind === 'unsolvable') throw new Error(JSON.stringify(resolution.problems));
      return resolution.closure.packages.find(({ name }) => name === 'special')?.requestedBy;
    };
    expect(await reasonsFor('@tools', 'special')).toEqual(['for special']);
    expect(await reasonsFor('@tools', 'friend')).toEqual(['for @tools']);
    expect(await reasonsFor('@desk', 'friend', 'special')).toEqual(['for @desk', 'for special']);
  });

  it('whose names have a slash are found by them, unlike with dnf', async () => {
    expect(namesOf(await resolve(['@C/C++ Tools'], false))).toBe('lonely');
  });

  it('are named where one is meant that is not there', async () => {
    const resolution = await resolve(['@dask'], false);
    expect(resolution).toMatchObject({ problems: [{ code: 'ICT_RPM_UNKNOWN_PACKAGE', hint: 'Did you mean "@desk"?' }] });
  });
});
