import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop, type RpmSet } from '@ict/fixtures';
import type { DistributionDefinition } from '@ict/plugin-api';
import { directoryArchive, fakeContext } from '@ict/plugin-testkit';
import { createRpmProvider } from '../src/provider.js';
import { resolvePinned } from './checked-resolution.js';
import { isOlder } from './host-versions.js';

const FIRST: RpmSet = {
  library: [],
  app: ['Requires: library >= 1', 'Recommends: extra'],
  extra: ['Requires: library'],
  addon: ['Supplements: app'],
  'wants-old': ['Requires: library < 2'],
  foe: ['Conflicts: library'],
  'foe-of-old': ['Conflicts: library < 2'],
  'mail-a': ['Provides: mail = 1'],
  'mail-b': ['Provides: mail = 2', 'Provides: queue'],
  'mail-c': ['Provides: mail = 3', 'Provides: mail = 0.5'],
  'needs-mail': ['Requires: mail'],
  'needs-old-mail': ['Requires: mail < 3'],
  'rich-mail': ['Requires: (mail or nowhere)'],
  'bare-a': ['Provides: bare'],
  'bare-b': ['Provides: bare = 1'],
  'needs-bare': ['Requires: bare'],
  own: [],
  'own-b': ['Provides: own = 2'],
  'needs-own': ['Requires: own'],
  'later-a': ['Provides: later = 2', 'Provides: other'],
  'later-b': ['Provides: later = 1'],
  'needs-later': ['Requires: later'],
  'needs-new-mail': ['Requires: mail >= 2'],
  before: [],
  after: ['Obsoletes: before < 2', 'Provides: before = 2'],
  'needs-before': ['Requires: before'],
  'rich-if': ['Requires: (extra if library)'],
  'rich-or': ['Requires: (nowhere or mail-b)'],
  'rich-with': ['Requires: (mail with queue)'],
  'rich-unless': ['Conflicts: (mail-a unless foe)'],
  tool: ['/usr/bin/tool', '/opt/deep/file'],
  'needs-program': ['Requires: /usr/bin/tool'],
  'needs-file': ['Requires: /opt/deep/file'],
  ages: ['Epoch: 1'],
  lonely: ['Requires: nowhere'],
  kernel: ['Requires: kernel-core = 1.0'],
  'kernel-core': ['Provides: installonlypkg(kernel)', '/lib/modules/1.0/vmlinuz'],
  'module-of-first': ['Requires: kernel-core = 1.0'],
  'kernel-module': ['Provides: installonlypkg(kernel-module)'],
  'kernel-foe': ['Provides: installonlypkg(kernel)'],
  'kernel-half': ['Provides: installonlypkg(kernel)'],
  'kernel-replacing': ['Provides: installonlypkg(vm)', 'Obsoletes: replaced < 2', 'Obsoletes: kernel < 2'],
  replaced: [],
  careful: ['Recommends: lonely', 'Recommends: (extra if mail-a)'],
};
const SECOND: RpmSet = {
  library: [],
  app: ['Requires: library = 2.0'],
  ages: ['Epoch: 0'],
  pre: [],
  kernel: ['Requires: kernel-core = 2.0'],
  'kernel-core': ['Provides: installonlypkg(kernel)', '/lib/modules/2.0/vmlinuz'],
  'module-of-second': ['Requires: kernel-core = 2.0'],
  'kernel-module': ['Provides: installonlypkg(kernel-module)'],
  'kernel-foe': ['Provides: installonlypkg(kernel)', 'Conflicts: kernel-foe < 2'],
  'kernel-half': [],
  replaced: [],
};
const THIRD: RpmSet = { pre: [], kernel: ['Requires: kernel-core >= 2.0'] };

const workshop = new RpmWorkshop();
let root: string;
let nowSeconds: number;
beforeAll(() => {
  const files = [...workshop.buildSet(FIRST), ...workshop.buildSet(SECOND, '2.0'), ...workshop.buildSet(THIRD, '2.0~rc1')];
  root = workshop.repository('repository', files);
  nowSeconds = Math.floor(Date.now() / 1000);
}, 240_000);
afterAll(() => workshop.close());

const NO_SOLUTION = ['no solution'];

/** Lets dnf answer many requests in one process: what it would install into an empty root, as `name-version-release.arch`. */
const PROGRAM = `
import json, sys
import dnf

work, repository, limit, questions = json.load(sys.stdin)
base = dnf.Base()
base.conf.installroot = work + '/root'
base.conf.cachedir = work + '/cache'
base.conf.installonly_limit = limit
base.conf.persistdir = work + '/state'
if hasattr(base.conf, 'optional_metadata_types'):
    base.conf.optional_metadata_types = ['filelists']
base.conf.substitutions['releasever'] = '1'
base.conf.substitutions['arch'] = base.conf.substitutions['basearch'] = 'x86_64'
base.repos.add_new_repo('test', base.conf, baseurl=['file://' + repository], gpgcheck=False)
base.fill_sack(load_system_repo=False)
answers = []
for requests, weak in questions:
    base.reset(goal=True)
    base.conf.install_weak_deps = weak
    try:
        for request in requests:
            base.install(request)
        base.resolve()
        answers.append(sorted(str(package) for package in base.transaction.install_set))
    except dnf.exceptions.Error:
        answers.append(None)
json.dump(answers, sys.stdout)
`;

/** @param limit versions of an install-only package that dnf leaves beside each other. */
function askDnf(questions: readonly Question[], limit = 3): readonly (readonly string[])[] {
  // A version is written as in a template; dnf writes it after a hyphen.
  const input = JSON.stringify([
    workshop.directory,
    root,
    limit,
    questions.map(([request, weak]) => [request.replaceAll('=', '-').split(' '), weak]),
  ]);
  const output = execFileSync('/usr/bin/python3', ['-c', PROGRAM], { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
  return (JSON.parse(output) as (readonly string[] | null)[]).map((answer) => answer ?? NO_SOLUTION);
}

async function ours(requests: readonly string[], recommends: boolean): Promise<readonly string[]> {
  await using ctx = fakeContext({ archives: [directoryArchive('http://archive.example', root)], nowSeconds });
  const { metadata } = createRpmProvider();
  const repository = { id: 'test', archive: 'http://archive.example', suite: '', components: [], keyrings: [], repoGpgCheck: false };
  const snapshots = [await metadata.snapshot(repository, 'x86_64', ctx)];
  const seeds = requests.map((request) => ({ request, reason: 'template' }));
  const distribution = {} as DistributionDefinition;
  const resolution = await resolvePinned({ arch: 'x86_64', distribution, snapshots, seeds, essential: false, recommends }, ctx);
  if (resolution.kind === 'unsolvable') return NO_SOLUTION;
  return resolution.closure.packages.map(({ name, version, arch }) => `${name}-${version}.${arch}`).sort();
}

type Question = readonly [request: string, weak: boolean];

const REQUESTS = [
  ...['app', 'app library', 'wants-old', 'wants-old app', 'foe', 'foe app', 'foe-of-old app', 'foe-of-old wants-old'],
  ...[
    'needs-mail',
    'needs-old-mail',
    'needs-bare',
    'needs-own',
    'needs-later',
    'rich-mail',
    'mail',
    'needs-new-mail',
    'queue',
    'needs-before',
    'before',
    'after',
    'before after',
  ],
  ...['rich-if', 'rich-if library', 'rich-or', 'rich-with', 'rich-unless mail-a', 'rich-unless mail-a foe'],
  ...['needs-program', 'needs-file', '/usr/bin/tool', 'ages', 'pre', 'lonely', 'careful', 'careful mail-a library', 'nothing-at-all'],
  ...['kernel', 'kernel=1.0', 'kernel=1.0 kernel=2.0', 'kernel=1.0 kernel=2.0 kernel=2.0~rc1', 'kernel=1.0 kernel', 'kernel*'],
  ...['kernel kernel-core=1.0', 'kernel module-of-first', 'kernel-core module-of-first', 'module-of-first module-of-second'],
  ...['kernel-core=2.0 module-of-first', 'kernel-module=1.0 kernel-module=2.0', 'kernel-foe=1.0 kernel-foe=2.0', 'library=1.0 library=2.0'],
  ...[
    'kernel-half=1.0 kernel-half=2.0',
    'replaced',
    'replaced=1.0',
    'kernel-replacing replaced=1.0',
    'kernel-replacing replaced=2.0',
    'kernel-replacing kernel=1.0',
    'kernel-replacing kernel=2.0',
  ],
];
const QUESTIONS: readonly Question[] = REQUESTS.flatMap((request): Question[] => [
  [request, false],
  [request, true],
]);

/** Before 4.18, dnf takes what replaces any version of a name. */
const REPLACED_BEFORE = isOlder('dnf', '4.18') ? ['replaced', 'kernel*'] : [];

describe('against dnf', () => {
  it('chooses the same packages, or finds no answer either', async () => {
    const mine: Record<string, readonly string[]> = {};
    const theirs: Record<string, readonly string[]> = {};
    const answers = askDnf(QUESTIONS);
    for (const [number, [request, weak]] of QUESTIONS.entries()) {
      const question = `${request}${weak ? ', weak dependencies too' : ''}`;
      mine[question] = await ours(request.split(' '), weak);
      // Where dnf answers as it did once, what we answer is asserted below.
      theirs[question] = REPLACED_BEFORE.includes(request) ? mine[question] : answers[number]!;
    }
    expect(mine).toEqual(theirs);
    // The oracle is no stub: it chose, it refused, and weak dependencies made a difference.
    expect([theirs['app'], theirs['foe app'], theirs['app, weak dependencies too']]).toEqual([
      ['app-2.0-1.noarch', 'library-2.0-1.noarch'],
      NO_SOLUTION,
      ['addon-1.0-1.noarch', 'app-2.0-1.noarch', 'library-2.0-1.noarch'],
    ]);
    expect([theirs['kernel=1.0 kernel=2.0'], theirs['library=1.0 library=2.0']]).toEqual([
      ['kernel-1.0-1.noarch', 'kernel-2.0-1.noarch', 'kernel-core-1.0-1.noarch', 'kernel-core-2.0-1.noarch'],
      NO_SOLUTION,
    ]);
  });

  it.each([false, true])(
    'takes what replaces the newest version of a name, not what replaces older ones alone (weak: %s)',
    async (weak) => {
      expect(await ours(['replaced'], weak)).toEqual(['replaced-2.0-1.noarch']);
      const kernels = ['kernel', 'kernel-core', 'kernel-foe', 'kernel-half', 'kernel-module'].map((name) => `${name}-2.0-1.noarch`);
      expect(await ours(['kernel*'], weak)).toEqual([...kernels, 'kernel-replacing-1.0-1.noarch']);
      expect(await ours(['before'], weak)).toEqual(['after-1.0-1.noarch']);
    },
  );

  it('takes as many versions as are asked for, where dnf counts those of an installed system', async () => {
    const request = 'kernel=1.0 kernel=2.0 kernel=2.0~rc1';
    expect(askDnf([[request, false]], 2)).toEqual([NO_SOLUTION]);
    expect(await ours(request.split(' '), false)).toEqual(askDnf([[request, false]], 0)[0]);
  });
});
