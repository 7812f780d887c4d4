import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop } from '@ict/fixtures';
import type { CatalogueScope, DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { directoryArchive, fakeContext } from '@ict/plugin-testkit';
import { createRpmProvider } from '../src/provider.js';

const NAMES = ['library', 'old', 'new', 'plain', 'hidden', 'same', 'kernel'];

/** What a case says of its repositories. */
type Rules = Readonly<Record<'main' | 'updates', Pick<RepositorySpec, 'priority' | 'cost' | 'excludePackages'>>>;

const workshop = new RpmWorkshop();
const roots: Record<string, string> = {};
let nowSeconds: number;
beforeAll(() => {
  const main = workshop.buildSet({ library: [], old: [], plain: [], hidden: [], same: [], kernel: [] });
  const updates = workshop.buildSet({ library: [], new: ['Obsoletes: old < 2'], hidden: [], kernel: [] }, '2.0');
  roots['main'] = workshop.repository('main', main);
  roots['updates'] = workshop.repository('updates', [...updates, ...main.filter((file) => file.includes('same-1.0'))]);
  nowSeconds = Math.floor(Date.now() / 1000);
}, 240_000);
afterAll(() => workshop.close());

/** Lets dnf list each name as repoquery does, and say what a request for it would install into an empty root. */
const PROGRAM = `
import json, sys
import dnf

work, repositories, names = json.load(sys.stdin)
base = dnf.Base()
base.conf.installroot = work + '/root'
base.conf.cachedir = work + '/cache'
base.conf.persistdir = work + '/state'
base.conf.substitutions['releasever'] = '1'
base.conf.substitutions['arch'] = base.conf.substitutions['basearch'] = 'x86_64'
for id, address, priority, cost, exclude in repositories:
    base.repos.add_new_repo(id, base.conf, baseurl=[address], gpgcheck=False, priority=priority, cost=cost, excludepkgs=exclude)
base.fill_sack(load_system_repo=False)
tell = lambda package: '%s %s' % (package, package.reponame)
answers = {}
for name in names:
    base.reset(goal=True)
    base.install(name)
    base.resolve()
    answers[name] = [sorted(tell(package) for package in base.sack.query().filterm(name=name)), [tell(package) for package in base.transaction.install_set]]
json.dump(answers, sys.stdout)
`;

type Answers = Readonly<Record<string, readonly [there: readonly string[], taken: readonly string[]]>>;

/** dnf's priorities are 99 where nobody says, and the lowest wins. */
function askDnf(rules: Rules): Answers {
  const repositories = Object.entries(rules).map(([id, { priority = 0, cost = 1000, excludePackages = [] }]) => {
    return [id, `file://${roots[id]}`, 99 - priority, cost, excludePackages];
  });
  const work = `${workshop.directory}/dnf-${JSON.stringify(rules).replaceAll(/\W+/g, '-')}`;
  const input = JSON.stringify([work, repositories, NAMES]);
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', PROGRAM], { input }).toString()) as Answers;
}

async function standings(rules: Rules, requests: readonly string[] = []) {
  const archives = Object.entries(roots).map(([id, root]) => directoryArchive(`http://${id}.example`, root));
  await using ctx = fakeContext({ archives, nowSeconds });
  const { metadata, catalogue } = createRpmProvider();
  const snapshots = [];
  for (const [id, own] of Object.entries(rules)) {
    const repository = { id, archive: `http://${id}.example`, suite: '', components: [], keyrings: [], repoGpgCheck: false, ...own };
    snapshots.push(await metadata.snapshot(repository, 'x86_64', ctx));
  }
  const seeds = requests.map((request) => ({ request, reason: 'template' }));
  const distribution = { essential: { priorities: [], packages: [] } } as unknown as DistributionDefinition;
  const scope: CatalogueScope = { names: new Set(NAMES), arch: 'x86_64', distribution, snapshots, seeds };
  return { standings: (await catalogue?.standings?.(scope, ctx)) ?? [], withheld: (await catalogue?.withheld?.(scope, ctx)) ?? [] };
}

describe('how packages stand, beside dnf', () => {
  it.each<[string, Rules]>([
    ['alike', { main: {}, updates: {} }],
    ['of which one costs less', { main: {}, updates: { cost: 500 } }],
    ['of which one comes first', { main: { priority: 10 }, updates: {} }],
    ['of which one gives less', { main: {}, updates: { excludePackages: ['hidden'] } }],
  ])('in two repositories %s', async (_what, rules) => {
    const own = await standings(rules);
    const tell = (pkg: { name: string; version: string; arch: string; repository: string }): string =>
      `${pkg.name}-${pkg.version}.${pkg.arch} ${pkg.repository}`;
    const excluded = (pkg: { name: string; repository: string }): boolean =>
      rules[pkg.repository as keyof Rules].excludePackages?.includes(pkg.name) === true;
    const theirs = askDnf(rules);
    for (const name of NAMES) {
      const there = [...own.standings, ...own.withheld].filter((pkg) => pkg.name === name && !excluded(pkg)).map(tell);
      expect(there.sort(), name).toEqual(theirs[name]![0]);
      const candidates = own.standings.filter((pkg) => pkg.name === name && pkg.candidate).map(tell);
      const replaced = own.standings.some((pkg) => pkg.name === name && pkg.passedOver?.endsWith('replaces it') === true);
      // dnf takes the replacement then, which is a candidate by its own name.
      if (replaced) expect([candidates, theirs[name]![1].every((pkg) => !pkg.startsWith(`${name}-`))], name).toEqual([[], true]);
      else expect(candidates, name).toEqual(theirs[name]![1]);
    }
  });
});

describe('how packages stand', () => {
  const tell = async (name: string, ...args: Parameters<typeof standings>) =>
    (await standings(...args)).standings
      .filter((pkg) => pkg.name === name)
      .map(({ version, repository, candidate, passedOver }) => `${version} ${repository}: ${candidate ? 'candidate' : passedOver}`);

  it('says why another one comes first', async () => {
    const alike = { main: {}, updates: {} };
    expect(await tell('library', alike)).toEqual(['2.0-1 updates: candidate', '1.0-1 main: 2.0-1 is newer']);
    expect(await tell('old', alike)).toEqual(['1.0-1 main: new 2.0-1 replaces it']);
    expect(await tell('same', alike)).toEqual(['1.0-1 main: candidate', '1.0-1 updates: repository "main" comes first']);
    expect(await tell('same', { main: {}, updates: { cost: 500 } })).toEqual([
      '1.0-1 updates: candidate',
      '1.0-1 main: repository "updates" costs less',
    ]);
  });

  it('says what is asked for exactly', async () => {
    const asked = await tell('library', { main: {}, updates: {} }, ['plain', 'library=1.0']);
    expect(asked).toEqual(['2.0-1 updates: "library=1.0" is asked for', '1.0-1 main: candidate']);
    const both = await tell('kernel', { main: {}, updates: {} }, ['kernel=1.0', 'kernel=2.0']);
    expect(both).toEqual(['2.0-1 updates: candidate', '1.0-1 main: candidate']);
    const one = await tell('library', { main: {}, updates: {} }, ['library=1.0', 'library=2.0']);
    expect(one).toEqual(['2.0-1 updates: "library=1.0" is asked for', '1.0-1 main: candidate']);
  });
});
