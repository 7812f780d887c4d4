import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decompress } from '@ict/archive';
import { RpmWorkshop } from '@ict/fixtures';
import type { DistributionDefinition, RepositorySpec, Resolution } from '@ict/plugin-api';
import { directoryArchive, fakeContext } from '@ict/plugin-testkit';
import { chooseStreams, moduleRequest } from '../src/metadata/module-streams.js';
import { createModulesReader, type Modules } from '../src/metadata/modules.js';
import { createRpmProvider } from '../src/provider.js';
import { resolvePinned } from './checked-resolution.js';
import { FIXTURES } from './fixture-index.js';
import { isOlder } from './host-versions.js';
import { moduleRepository } from './module-universe.js';

/** Reads modules.yaml, handed over in pieces. @param pieceBytes of each but the last. */
async function parseModules(text: string, source: string, pieceBytes = 2 ** 16): Promise<Modules> {
  const reader = await createModulesReader(source);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.write(bytes.subarray(at, at + pieceBytes));
  return reader.end();
}

const archive = 'http://archive.example';
const workshop = new RpmWorkshop();
let root: string;
beforeAll(() => {
  root = moduleRepository(workshop);
}, 240_000);
afterAll(() => workshop.close());

/** Lets dnf enable the streams that are named, and say what it would install into an empty root then. */
const PROGRAM = `
import json, os, sys
import dnf, dnf.module.module_base

work, repository, questions = json.load(sys.stdin)

base = dnf.Base()
base.conf.installroot = work + '/root'
base.conf.cachedir = work + '/cache'
base.conf.persistdir = work + '/state'
base.conf.module_platform_id = 'platform:el9'
base.conf.install_weak_deps = False
base.conf.substitutions['releasever'] = '1'
base.conf.substitutions['arch'] = base.conf.substitutions['basearch'] = 'x86_64'
base.repos.add_new_repo('test', base.conf, baseurl=['file://' + repository], gpgcheck=False)
base.fill_sack(load_system_repo=False)

def answer(requests):
    enabling = [request for request in requests if ':' in request and '@' not in request and '/' not in request]
    streams = [request.lstrip('@').split('/')[0] for request in requests if ':' in request]
    try:
        if streams:
            dnf.module.module_base.ModuleBase(base).enable(streams)
        base.install_specs([request for request in requests if request not in enabling])
        base.resolve()
        return sorted(str(package) for package in base.transaction.install_set)
    except dnf.exceptions.Error:
        return None

for number, requests in enumerate(questions):
    # In a process of its own: it enables streams for itself alone, and some versions of dnf abort where others say no.
    if os.fork() == 0:
        print('\\n' + json.dumps([number, answer(requests)]), flush=True)
        os._exit(0)
    os.wait()
`;

async function resolve(requests: readonly string[], options: Partial<RepositorySpec> = {}): Promise<Resolution> {
  await using ctx = fakeContext({ archives: [directoryArchive(archive, root)], nowSeconds: Math.floor(Date.now() / 1000) + 60 });
  const { metadata } = createRpmProvider();
  const repository = { id: 'test', archive, suite: '', components: [], keyrings: [], repoGpgCheck: false, ...options };
  const snapshots = [await metadata.snapshot(repository, 'x86_64', ctx)];
  const seeds = requests.map((request) => ({ request, reason: 'template' }));
  const distribution = {} as DistributionDefinition;
  return await resolvePinned({ arch: 'x86_64', distribution, snapshots, seeds, essential: false, recommends: false }, ctx);
}

const QUESTIONS = [
  // Default streams count, others are hidden, and so is what has the name of their packages, or provides it.
  ...['db', 'db-server', 'db=1.0', 'db=2.0', 'db=3.0', 'db-alias', 'plain', 'ext', 'lang', 'lang=1.0', 'app', 'odd'],
  // Streams and profiles that are asked for.
  ...['@db', '@db/client', '@db/server', '@db:1', '@db:2', '@db:2/server', '@db:2/server db', '@db:2/client ext', '@db:2/client db=1.0'],
  ...['db:1 db', 'db:2 db', 'db:2 ext', 'lang:a lang', 'lang:b app', 'app:x lang', 'app:x lang:b app', 'odd:n db:2 odd db'],
  ...[
    '@lang:a/common',
    '@lang:b/common',
    '@lang:b/common lang=0.5',
    '@lang',
    '@lang/common',
    '@lang:b',
    '@db:9',
    '@db:2/other',
    '@other:1',
  ],
  // What modules need of others.
  ...['@app:x/common', '@app:x/common lang', '@app:x/common @lang:b/common', '@app:x/common @lang:a/common', '@db:1 @db:2/client'],
  // Documents of version 1.
  ...[
    'old',
    'old=2.0',
    '@old:1.10/default',
    'old:1.10 old',
    '@old:2/default',
    'old:2 old',
    '@old:2/default db',
    '@old:2/default @db:1/client',
  ],
  ...[
    'old:2 db:2 old db',
    '@old:9/default',
    '@old:2/other',
    'old-app',
    '@old-app:x/default',
    '@old-app:x/default @lang:b/common',
    '@old-app:x/default @lang:a/common',
  ],
  ...['@odd:n/default', '@odd:n/default @db:2/client', '@odd:o/default', '@odd:o/default @db:2/client', '@odd:o/default ext'],
];

describe('modules, beside dnf', () => {
  it('lead to the same packages, or to none', async () => {
    const questions = QUESTIONS.map((line) => line.split(' '));
    // dnf writes versions with a hyphen.
    const input = JSON.stringify([workshop.directory, root, questions.map((all) => all.map((one) => one.replace('=', '-')))]);
    const output = execFileSync('/usr/bin/python3', ['-c', PROGRAM], { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
    const answers = new Map(
      output.split('\n').flatMap((line) => (line.startsWith('[') ? [JSON.parse(line) as [number, readonly string[] | null]] : [])),
    );
    const mine: Record<string, readonly string[] | null> = {};
    for (const requests of questions) {
      const resolution = await resolve(requests);
      mine[requests.join(' ')] =
        resolution.kind === 'unsolvable'
          ? null
          : resolution.closure.packages.map(({ name, version, arch }) => `${name}-${version}.${arch}`).sort();
    }
    const theirs = Object.fromEntries(QUESTIONS.map((line, number) => [line, answers.get(number)]));
    // dnf of Debian 13 (4.23) aborts when a module does not have the profile; that of Debian 12 says so.
    if (!isOlder('dnf', '4.23')) theirs['@db:2/other'] ??= null;
    expect(mine).toEqual(theirs);
    // The oracle is no stub.
    expect([theirs['db'], theirs['@db:2/server'], theirs['app']]).toEqual([
      ['db-1.1-1.noarch'],
      ['db-2.0-1.noarch', 'db-server-2.0-1.noarch'],
      null,
    ]);
  });
});

describe('modules', () => {
  it.each([
    ['app', 'ICT_RPM_PACKAGE_WITHHELD', /Add "app:x"/],
    ['db=2.0', 'ICT_RPM_PACKAGE_WITHHELD', /Add "db:2"/],
    ['db=3.0', 'ICT_RPM_PACKAGE_WITHHELD', /Set "moduleHotfixes" of repository "test"/],
    ['bd:2', 'ICT_RPM_UNKNOWN_MODULE', /"db"/],
    ['@games:2/all', 'ICT_RPM_UNKNOWN_MODULE', /db, ext, lang, app, odd and 2 more/],
    ['@db:9', 'ICT_RPM_UNKNOWN_MODULE', /db:1, db:2/],
    ['db:2/other', 'ICT_RPM_UNKNOWN_MODULE', /db:2\/server, db:2\/client/],
    ['@lang:b', 'ICT_RPM_UNKNOWN_MODULE', /lang:b\/common/],
    ['@lang', 'ICT_RPM_UNKNOWN_MODULE', /lang:a, lang:b/],
    ['db:1 db:2', 'ICT_RPM_MODULE_CONFLICT', /one of them/],
    ['app:x/common lang:a/common', 'ICT_RPM_MODULE_CONFLICT', /module:stream/],
    ['odd:n/default', 'ICT_RPM_MODULE_CONFLICT', /module:stream/],
  ])('say what is wrong with %s', async (requests, code, hint) => {
    const resolution = await resolve(requests.split(' '));
    expect(resolution).toMatchObject({ kind: 'unsolvable', problems: [{ code, hint: expect.stringMatching(hint) as string }] });
  });

  it('hide nothing of a repository that says so', async () => {
    const resolution = await resolve(['db'], { moduleHotfixes: true });
    expect(resolution).toMatchObject({ closure: { packages: [{ name: 'db', version: '3.0-1' }] } });
  });

  it('are asked for without an at sign when a stream is named', async () => {
    const resolution = await resolve(['db:2/server']);
    expect(resolution).toMatchObject({ closure: { packages: [{ name: 'db-server', version: '2.0-1' }, { name: 'db' }] } });
  });
});

describe('modules in two files of one repository', () => {
  it('all count, with a warning: packages of the second are no ordinary ones', async () => {
    const published = join(workshop.directory, 'twice');
    cpSync(root, published, { recursive: true });
    const file = join(workshop.directory, 'more.yaml');
    writeFileSync(file, '---\ndocument: modulemd\nversion: 1\ndata: {name: more, stream: s, artifacts: {rpms: [plain-0:3.0-1.noarch]}}\n');
    const repomd = join(published, 'repodata/repomd.xml');
    const first = /<data type="modules">.*?<\/data>/s.exec(readFileSync(repomd, 'utf8'))![0];
    execFileSync('modifyrepo_c', ['--mdtype=modules', file, join(published, 'repodata')], { stdio: 'pipe' });
    // It takes the place of the first, which has to come back.
    writeFileSync(repomd, readFileSync(repomd, 'utf8').replace('<data', `${first}<data`));
    cpSync(root, published, { recursive: true, force: false });
    await using ctx = fakeContext({ archives: [directoryArchive(archive, published)], nowSeconds: Math.floor(Date.now() / 1000) + 60 });
    const { metadata } = createRpmProvider();
    const repository = { id: 'test', archive, suite: '', components: [], keyrings: [], repoGpgCheck: false };
    const snapshots = [await metadata.snapshot(repository, 'x86_64', ctx)];
    expect(ctx.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'ICT_RPM_REPOMD_INVALID', message: 'repomd.xml of repository "test" lists several files as its modules: all of them count' },
    ]);
    const answer = async (...requests: readonly string[]) => {
      const seeds = requests.map((request) => ({ request, reason: 'template' }));
      const distribution = {} as DistributionDefinition;
      const resolution = await resolvePinned({ arch: 'x86_64', distribution, snapshots, seeds, essential: false, recommends: false }, ctx);
      return resolution.kind === 'resolved'
        ? resolution.closure.packages.map(({ name, version }) => `${name} ${version}`)
        : resolution.kind;
    };
    expect([await answer('plain'), await answer('more:s', 'plain'), await answer('app')]).toEqual([
      ['plain 0.5-1'],
      ['db 1.1-1', 'plain 3.0-1'],
      'unsolvable',
    ]);
  });
});

describe('packages that modules hide', () => {
  const told = async (names: readonly string[], requests: readonly string[] = [], options: Partial<RepositorySpec> = {}) => {
    await using ctx = fakeContext({ archives: [directoryArchive(archive, root)], nowSeconds: Math.floor(Date.now() / 1000) + 60 });
    const { catalogue, metadata } = createRpmProvider();
    const repository = { id: 'test', archive, suite: '', components: [], keyrings: [], repoGpgCheck: false, ...options };
    const snapshots = [await metadata.snapshot(repository, 'x86_64', ctx)];
    const seeds = requests.map((request) => ({ request, reason: 'template' }));
    const distribution = { essential: { packages: [] as readonly string[] } } as DistributionDefinition;
    const withheld = await catalogue!.withheld!({ names: new Set(names), arch: 'x86_64', distribution, snapshots, seeds }, ctx);
    return withheld.map(({ name, version, arch, repository: at, reason }) => `${name} ${version} ${arch} ${at}: ${reason}`);
  };
  const hidden = (nevra: string, module: string, other: string) =>
    `${nevra} noarch test: it is in module ${module}, which is not enabled; ${other} is`;

  it.each([
    [[], [hidden('db 2.0-1', 'db:2', 'db:1'), 'db 3.0-1 noarch test: module db:1, which is enabled, has its own db']],
    [
      ['db:2'],
      [
        hidden('db 1.0-1', 'db:1', 'db:2'),
        hidden('db 1.1-1', 'db:1', 'db:2'),
        'db 3.0-1 noarch test: module db:2, which is enabled, has its own db',
      ],
    ],
  ])('are told of, beside %j', async (requests, lines) => {
    expect(await told(['db'], requests)).toEqual(lines);
  });

  it('are those that provide what a module has, too, and none of a repository with hot fixes', async () => {
    expect(await told(['db-alias', 'plain'])).toEqual(['db-alias 3.0-1 noarch test: module db:1, which is enabled, has its own db']);
    expect(await told(['db', 'db-alias', 'lang'], [], { moduleHotfixes: true })).toEqual([]);
  });

  it('are those that the resolver does not see: it finds no other version', async () => {
    const versions = ['1.0-1', '1.1-1', '2.0-1', '3.0-1'];
    const seen = await Promise.all(versions.map(async (version) => (await resolve([`db=${version}`])).kind === 'resolved'));
    const lines = await told(['db']);
    expect(versions.filter((version) => lines.some((line) => line.startsWith(`db ${version} `)))).toEqual(
      versions.filter((_, at) => !seen[at]),
    );
  });

  it('are told apart from what the repository may not give', async () => {
    const reason = '"excludePackages" of repository "test" names it';
    expect(await told(['plain'], [], { excludePackages: ['plain'] })).toEqual(
      ['0.5-1', '3.0-1'].map((version) => `plain ${version} noarch test: ${reason}`),
    );
  });
});

describe('modules.yaml', () => {
  it('may close a quote at the margin, as libyaml writes it', async () => {
    const directory = join(FIXTURES, 'repos/createrepo_c-additional-metadata/repodata');
    const file = readdirSync(directory).find((name) => name.endsWith('modules.yaml.gz'))!;
    const text = gunzipSync(readFileSync(join(directory, file))).toString();
    expect(text).toMatch(/^'$/m);
    const { builds } = await parseModules(text, file);
    const named = [...text.matchAll(/^document: modulemd\nversion: 2\ndata:\n {2}name: (.+)\n {2}stream: (.+)$/gm)];
    expect(builds.map(({ name, stream }) => `${name}:${stream}`)).toEqual(
      named.map(([, name, stream]) => `${name}:${stream!.replace(/['"]/g, '')}`),
    );
    expect(builds.length).toBeGreaterThan(50);
  });

  it('may have documents of version 1, which name one stream of what a module needs', async () => {
    const text = `---
document: modulemd
version: 1
data:
  name: old
  stream: 1.10
  version: 20180101000000
  dependencies:
    buildrequires: {platform: f28}
    requires: {platform: f28, db: 2}
  profiles: {default: {rpms: [old]}}
  artifacts: {rpms: [old-0:1.0-1.noarch]}
...
---
document: modulemd
version: 1
data: {name: bare, stream: s, artifacts: {rpms: [bare-0:1.0-1.noarch]}}
`;
    const none = { context: '', arch: '', demodularized: [] };
    expect((await parseModules(text, 'modules.yaml')).builds).toEqual([
      {
        ...none,
        name: 'old',
        stream: '1.10',
        version: '20180101000000',
        requires: [{ platform: ['f28'], db: ['2'] }],
        profiles: { default: ['old'] },
        artifacts: ['old-0:1.0-1.noarch'],
      },
      { ...none, name: 'bare', stream: 's', version: '0', requires: [{}], profiles: {}, artifacts: ['bare-0:1.0-1.noarch'] },
    ]);
  });

  it.each([1, 7, 1000, 65536])('are the same in pieces of %i bytes', async (pieceBytes) => {
    const documents = [
      ['modulemd', '2', 'name: größe\n  stream: "1.10"\n  description: |\n    ---\n    ...\n  profiles: {a: {rpms: [b]}}'],
      ['modulemd-defaults', '1', 'module: größe\n  stream: "1.10"\n  profiles: {"1.10": [a]}'],
    ].map(([kind, version, data]) => `---\ndocument: ${kind}\nversion: ${version}\ndata:\n  ${data}\n`);
    const modules = await parseModules(documents.join('...\n# more\n%YAML 1.2\n'), 'modules.yaml', pieceBytes);
    expect(modules).toEqual({
      builds: [expect.objectContaining({ name: 'größe', stream: '1.10', profiles: { a: ['b'] } })],
      defaults: [{ name: 'größe', stream: '1.10', profiles: { '1.10': ['a'] }, modified: '0' }],
    });
  });

  it('are read in constant memory', async () => {
    const reader = await createModulesReader('modules.yaml');
    const text = Buffer.from(`---\ndocument: modulemd\nversion: 2\ndata:\n  name: a\n  stream: b\n  description: ${'x'.repeat(500_000)}\n`);
    const COUNT = 300;
    const read = (count: number): void => {
      for (let done = 0; done < count; done++) reader.write(text);
    };
    // What the compilers and the collector of garbage take is there after some.
    read(COUNT / 6);
    const before = process.memoryUsage().rss;
    read(COUNT);
    expect(process.memoryUsage().rss - before).toBeLessThan((COUNT * text.length) / 2);
    expect(reader.end().builds).toHaveLength(COUNT + COUNT / 6);
  });

  it('are refused with a document that is longer than memory may be taken for', async () => {
    for (const line of ['x'.repeat(2 ** 21), 'x: y\n'.repeat(2 ** 19)])
      await expect(parseModules(`---\n${line}`, 'modules.yaml')).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_INVALID' });
  });

  it.each([
    ['is no YAML', '---\ndocument: [modulemd\n'],
    ['has an alias that names nothing', '---\ndocument: modulemd\nversion: 2\ndata: *x\n'],
    [
      'has aliases that grow without bound',
      `---\na: &a [x]\n${[...'bcdefghij'].map((name, at) => `${name}: &${name} [${`*${'abcdefghi'[at]!}, `.repeat(9)}]\n`).join('')}`,
    ],
    ['has a module without name', '---\ndocument: modulemd\nversion: 2\ndata: {stream: a}\n'],
    [
      'has a module of version 1 without stream',
      '---\ndocument: modulemd\nversion: 1\ndata: {name: a, artifacts: {rpms: [a-0:1-1.noarch]}}\n',
    ],
    ['has a module of an unknown version', '---\ndocument: modulemd\nversion: 3\ndata: {name: a, stream: a}\n'],
  ])('is refused when it %s', async (_what, text) => {
    await expect(parseModules(text, 'modules.yaml')).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_INVALID' });
  });

  it('of CentOS Stream 9: streams are texts, and none is a default', async () => {
    const bytes = (async function* () {
      yield readFileSync(join(FIXTURES, 'repos/centos-stream9-modules.yaml.xz'));
    })();
    const chunks: Uint8Array[] = [];
    for await (const chunk of decompress(bytes, 'xz')) chunks.push(chunk);
    const modules = await parseModules(Buffer.concat(chunks).toString('utf8'), 'modules.yaml');
    expect([modules.builds.length, modules.defaults.length]).toEqual([31, 8]);
    expect(modules.defaults.filter(({ stream }) => stream !== undefined)).toEqual([]);
    expect(moduleRequest('postgresql:15/server', modules)).toEqual({
      name: 'postgresql',
      stream: '15',
      profile: 'server',
      enableOnly: false,
    });
    expect(moduleRequest('postgresql-server', modules)).toBeUndefined();
    const { active, requests } = chooseStreams(modules, ['@mariadb:10.11', 'bash'], 'x86_64');
    expect([...requests]).toEqual([['@mariadb:10.11', ['mariadb-server']]]);
    expect([...active].map(({ name, stream, version }) => `${name}:${stream}:${version}`)).toEqual([
      'mariadb:10.11:920240126110506',
      'mariadb:10.11:920241128105030',
    ]);
  });
});
