import { describe, expect, it } from 'vitest';
import type {
  Advisory,
  Catalogue,
  CatalogueScope,
  Context,
  PackageDescription,
  PackageStanding,
  Snapshot,
  WantedText,
} from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { answerNames, answerSearch, answerShow, type CatalogueQuestion } from '../../src/questions/catalogue.js';
import { coreError } from '../../src/errors.js';
import type { Lock } from '../../src/locks/lock.js';
import { digestOfAll, distribution, repository, resolvedPackage, sampleProvider, snapshotOf } from '../support/sample-image.js';

interface Sample {
  readonly name: string;
  readonly version: string;
  readonly summary?: string;
  readonly description?: string;
  readonly provides?: string;
}

/** By repository. */
const ARCHIVE: Readonly<Record<string, readonly Sample[]>> = {
  main: [
    { name: 'nginx-doc', version: '1.0', summary: 'manual of nginx' },
    { name: 'nginx', version: '1.0', summary: 'Small web server', description: 'Also a proxy.' },
    { name: 'apache', version: '2.4', summary: 'web server that knows nginx', provides: 'httpd' },
    { name: 'tar', version: '1.35', summary: 'archives' },
    ...['1', '1-1', '2-1'].map((version) => ({ name: 'dpkg', version })),
  ],
  updates: [
    { name: 'nginx', version: '1.2', summary: 'Small and quick web server', provides: 'httpd (= 2)' },
    { name: 'tar', version: '1.35', summary: 'archives' },
  ],
};

const samplesOf = (snapshot: Snapshot) => ARCHIVE[snapshot.repository.id];

const describeSample = ({ name, version, summary = '' }: Sample, at: string): PackageDescription => ({
  name,
  version,
  arch: 'amd64',
  repository: at,
  path: `pool/${name}`,
  digest: digestOfAll('a'),
  sizeBytes: 1,
  summary,
  details: [],
  relations: [],
});

const catalogue: Catalogue = {
  async *list(snapshot) {
    for (const { name, version, summary = '', description } of samplesOf(snapshot)) {
      yield { name, version, arch: 'amd64', summary, ...(description === undefined ? {} : { description }) };
    }
  },
  describe: async (snapshot, name) => ({
    packages: samplesOf(snapshot)
      .filter((sample) => sample.name === name)
      .map((sample) => describeSample(sample, snapshot.repository.id)),
    providers: samplesOf(snapshot).flatMap((sample) =>
      sample.provides?.split(' ')[0] === name
        ? [{ name: sample.name, version: sample.version, arch: 'amd64', provides: sample.provides }]
        : [],
    ),
  }),
};

const lock = { packages: [resolvedPackage('nginx', { version: '1.0' })] } as unknown as Lock;
const question = {
  target: 'sample-sample1-x86_64',
  provider: sampleProvider({
    catalogue,
    resolver: {
      version: 1,
      resolve: () => Promise.reject(new Error('nothing is resolved')),
      compareVersions: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    },
  }),
  snapshots: Object.keys(ARCHIVE).map((id) => snapshotOf(repository(id))),
  arch: 'x86_64' as const,
  distribution,
  seeds: [{ request: 'nginx', reason: 'template' }],
  lock,
};

const fix = (name: string, version: string) => ({ name, version, arch: 'amd64' });
const notice = (id: string, issued: string, packages: Advisory['packages']): Advisory => ({
  id,
  type: 'security',
  severity: 'Important',
  title: `about ${id}`,
  issued,
  cves: ['CVE-2026-1000'],
  repository: 'updates',
  packages,
});

/** The question, of an ecosystem that says more. */
const asking = (more: Partial<Catalogue>, seen: CatalogueScope[] = []) => ({
  ...question,
  provider: {
    ...question.provider,
    catalogue: {
      ...catalogue,
      ...more,
      advisories: async (scope: CatalogueScope, ctx: Context) => {
        seen.push(scope);
        return (await more.advisories?.(scope, ctx)) ?? [];
      },
    },
  },
});

async function search(...words: string[]) {
  await using context = fakeContext();
  return await answerSearch(words, question, { context });
}

async function show(wanted: string, asked: CatalogueQuestion = question) {
  await using context = fakeContext();
  return await answerShow(wanted, asked, { context });
}

describe('answerSearch', () => {
  it.each<[readonly string[], readonly string[]]>([
    [['nginx'], ['nginx', 'nginx-doc', 'apache']],
    [['NGINX', 'doc'], ['nginx-doc']],
    [
      ['web', 'server'],
      ['apache', 'nginx'],
    ],
    [['proxy'], ['nginx']],
    [['quick', 'archives'], []],
    [['httpd'], ['apache', 'nginx']],
    [['httpd', 'web'], []],
  ])('finds what has %j, names first', async (words, names) => {
    expect((await search(...words)).packages.map(({ name }) => name)).toEqual(names);
  });

  it('names as many as were asked for, and counts all', async () => {
    await using context = fakeContext();
    const { found, packages } = await answerSearch(['nginx'], question, { context }, { limit: 2 });
    expect([found, packages.map(({ name }) => name)]).toEqual([3, ['nginx', 'nginx-doc']]);
    expect((await search('nothing')).found).toBe(0);
  });

  it('puts all versions of a name together, the newest first, and says which the image has', async () => {
    const { packages } = await search('nginx');
    expect(packages[0]).toEqual({
      name: 'nginx',
      summary: 'Small and quick web server',
      versions: [
        { version: '1.2', arch: 'amd64', repository: 'updates' },
        { version: '1.0', arch: 'amd64', repository: 'main' },
      ],
      chosen: '1.0',
    });
    expect(packages[1]).not.toHaveProperty('chosen');
  });

  it('finds a version of a name by what only that version says', async () => {
    expect((await search('quick')).packages[0].versions.map(({ version }) => version)).toEqual(['1.2']);
  });

  it('looks at what an ecosystem says may be wanted, where it says it', async () => {
    await using context = fakeContext();
    const seen: WantedText[] = [];
    const asked = asking({
      list: () => Promise.reject(new Error('nothing is listed')) as never,
      async *mentioning(snapshot, wanted, ctx) {
        seen.push(wanted);
        for await (const pkg of catalogue.list(snapshot, ctx)) if (pkg.name !== 'nginx-doc') yield pkg;
      },
    });
    const { packages } = await answerSearch(['NGINX'], asked, { context });
    expect(packages.map(({ name }) => name)).toEqual(['nginx', 'apache']);
    await answerSearch(['httpd'], asked, { context });
    expect(seen.map(({ words, names }) => [words, [...names]])).toEqual([
      [['NGINX'], []],
      [['NGINX'], []],
      [['httpd'], ['apache']],
      [['httpd'], ['nginx']],
    ]);
  });

  it('offers names like a word that nothing has', async () => {
    expect(await search('ngnix')).toMatchObject({ packages: [], nearest: ['nginx'] });
    expect((await search('tar')).nearest).toEqual([]);
  });
});

describe('answerShow', () => {
  it('says how versions stand, as far as the ecosystem tells', async () => {
    const standing = (version: string, at: string, more: object) => ({ name: 'nginx', version, arch: 'amd64', repository: at, ...more });
    const seen: CatalogueScope[] = [];
    const asked = asking({
      standings: async (scope) => {
        seen.push(scope);
        return [
          standing('1.2', 'updates', { candidate: false, passedOver: '1.0 has priority 900', priority: 500 }),
          standing('1.0', 'main', { candidate: true, priority: 900 }),
        ] as PackageStanding[];
      },
    });
    const [newer, older] = (await show('nginx', asked)).packages;
    expect(newer).toMatchObject({ version: '1.2', candidate: false, passedOver: '1.0 has priority 900', priority: 500 });
    expect(older).toMatchObject({ version: '1.0', candidate: true, priority: 900 });
    expect(older).not.toHaveProperty('passedOver');
    expect(seen).toMatchObject([{ names: new Set(['nginx']), seeds: question.seeds }]);
    expect((await show('nginx')).packages[0]).not.toHaveProperty('candidate');
  });

  it('describes each version, the newest first', async () => {
    const { packages, providers } = await show('nginx');
    expect(packages.map(({ version, repository: at, inImage }) => [version, at, inImage])).toEqual([
      ['1.2', 'updates', false],
      ['1.0', 'main', true],
    ]);
    expect(providers).toEqual([]);
  });

  it.each([
    ['nginx=1.0', ['1.0']],
    ['nginx:amd64', ['1.2', '1.0']],
    ['nginx.amd64', ['1.2', '1.0']],
    ['nginx.amd64=1.2', ['1.2']],
    ['nginx=1.*', ['1.2', '1.0']],
    ['nginx/updates', ['1.2']],
    ['nginx:amd64/main', ['1.0']],
    ['dpkg=1', ['1']],
    ['dpkg=1-1', ['1-1']],
    ['dpkg=2', ['2-1']],
  ])('%s narrows them', async (wanted, versions) => {
    expect((await show(wanted)).packages.map(({ version }) => version)).toEqual(versions);
  });

  it('says who provides a name that is no package', async () => {
    expect(await show('httpd')).toMatchObject({
      packages: [],
      providers: [
        { name: 'apache', repository: 'main', provides: 'httpd' },
        { name: 'nginx', version: '1.2', repository: 'updates', provides: 'httpd (= 2)' },
      ],
    });
  });

  it.each([
    ['ngnix', 'a package "ngnix"', 'Did you mean "nginx"?'],
    ['nginx=9', 'version 9 of nginx', 'There is nginx:amd64 1.0 (main), nginx:amd64 1.2 (updates).'],
    ['tar=1', 'version 1 of tar', 'There is tar:amd64 1.35 (main, updates).'],
    ['nginx:arm64', 'nginx for arm64', 'There is nginx:amd64 1.0 (main), nginx:amd64 1.2 (updates).'],
    ['nginx:amd64=9', 'version 9 of nginx for amd64', 'There is nginx:amd64 1.0 (main), nginx:amd64 1.2 (updates).'],
    ['ngin.x', 'a package "ngin.x"', 'Did you mean "nginx"?'],
    ['nginx/sid', 'nginx in sid', 'There is nginx:amd64 1.0 (main), nginx:amd64 1.2 (updates).'],
    ['httpd=3', 'a package "httpd=3"', 'It is no package; it is provided by apache 2.4, nginx 1.2.'],
    ['nginx=', 'a package "nginx="', 'Did you mean "nginx"?'],
    ['nginx/', 'a package "nginx/"', 'Did you mean "nginx"?'],
    ['zzzzzz', 'a package "zzzzzz"', 'Look for it with `ict search`.'],
  ])('refuses %s', async (wanted, what, hint) => {
    await expect(show(wanted)).rejects.toMatchObject({ code: 'ICT_PACKAGE_UNKNOWN', message: `no repository has ${what}`, hint });
  });

  it('needs a provider that has a catalogue', async () => {
    await expect(show('nginx', { ...question, provider: sampleProvider({}) })).rejects.toMatchObject({ code: 'ICT_CATALOGUE_MISSING' });
  });
});

describe('what no image can get', () => {
  const withheld: Catalogue['withheld'] = async ({ names }) =>
    [{ ...fix('nginx', '1.2'), repository: 'updates', reason: 'it is in module web:1, which is not enabled' }].filter(({ name }) =>
      names.has(name),
    );

  it('is marked in search and show', async () => {
    await using context = fakeContext();
    const { packages } = await answerSearch(['nginx'], asking({ withheld }), { context });
    expect(packages[0]!.versions).toEqual([
      { version: '1.2', arch: 'amd64', repository: 'updates', withheld: 'it is in module web:1, which is not enabled' },
      { version: '1.0', arch: 'amd64', repository: 'main' },
    ]);
    const shown = await show('nginx', asking({ withheld }));
    expect(shown.packages.map((pkg) => pkg.withheld)).toEqual(['it is in module web:1, which is not enabled', undefined]);
  });
});

describe('advisories', () => {
  const all = [
    notice('A-1', '2026-01-01', [fix('nginx', '0.9'), fix('nginx-doc', '0.9')]),
    notice('A-2', '2026-03-01', [fix('nginx', '1.2')]),
    notice('A-3', '2026-02-01', [fix('nginx', '1.0')]),
  ];
  const advisories: Catalogue['advisories'] = async () => all;

  it('are shown with their packages, the newest first, and whether the image has the update', async () => {
    const seen: CatalogueScope[] = [];
    const document = await show('nginx', asking({ advisories }, seen));
    expect(document.advisories?.map(({ id, inImage }) => [id, inImage])).toEqual([
      ['A-2', false],
      ['A-3', true],
      ['A-1', true],
    ]);
    expect(document.advisories?.[0]).toEqual({ ...all[1], inImage: false });
    expect(seen).toMatchObject([{ names: new Set(['nginx']), arch: 'x86_64', seeds: question.seeds }]);
    expect(await show('nginx', { ...asking({ advisories }), lock: undefined })).not.toHaveProperty('advisories.0.inImage');
  });

  it('of one version are those that name it', async () => {
    expect((await show('nginx=1.2', asking({ advisories }))).advisories?.map(({ id }) => id)).toEqual(['A-2']);
  });

  it('of two repositories are one, with the packages of both', async () => {
    const twice = async () => [all[1], { ...all[1], repository: 'main', packages: [fix('nginx', '1.2'), fix('nginx', '1.3')] }];
    expect((await show('nginx', asking({ advisories: twice }))).advisories).toMatchObject([
      { id: 'A-2', repository: 'updates', packages: [{ version: '1.2' }, { version: '1.3' }] },
    ]);
  });

  it('are not spoken of where an ecosystem has none', async () => {
    expect(await show('nginx')).not.toHaveProperty('advisories');
  });

  it('that cannot be read are warned of, and the package is shown', async () => {
    await using context = fakeContext();
    const broken = () => Promise.reject(coreError('ICT_LOCK_UNREADABLE', { message: 'no advisory can be read' }));
    const document = await answerShow('nginx', asking({ advisories: broken }), { context });
    expect(document.packages).toHaveLength(2);
    expect(document).not.toHaveProperty('advisories');
    expect(context.events).toMatchObject([
      { type: 'warning', code: 'ICT_LOCK_UNREADABLE', message: expect.stringContaining('no advisory') as string },
    ]);
  });
});

describe('changelogs', () => {
  const entry = { date: '2026-01-02', author: 'Ann', text: 'first' };
  /** Of one repository; the other publishes none. */
  const changelogs: Catalogue['changelogs'] = async ({ repository: { id } }, { packages }) =>
    id === 'main' ? packages.map(({ name, version, arch }) => ({ name, version, arch, entries: [{ ...entry, version }] })) : undefined;

  async function ask(of: CatalogueQuestion, options?: { readonly changelog?: boolean }) {
    await using context = fakeContext();
    const { packages } = await answerShow('nginx', of, { context }, options);
    return { changelogs: packages.map((pkg) => pkg.changelog), events: [...context.events] };
  }

  it('are shown when they are asked for, and missing ones are warned of', async () => {
    const { changelogs: shown, events } = await ask(asking({ changelogs }), { changelog: true });
    expect(shown).toEqual([undefined, [{ ...entry, version: '1.0' }]]);
    expect(events).toMatchObject([
      { type: 'warning', code: 'ICT_CATALOGUE_NO_CHANGELOGS', message: expect.stringContaining('"updates"') as string },
    ]);
  });

  it('are not read otherwise', async () => {
    const never = () => Promise.reject(new Error('changelogs are read'));
    expect(await ask(asking({ changelogs: never }))).toEqual({ changelogs: [undefined, undefined], events: [] });
  });

  it('are said to be in no index of an ecosystem that has none there', async () => {
    const { changelogs: shown, events } = await ask(question, { changelog: true });
    expect(shown).toEqual([undefined, undefined]);
    expect(events).toMatchObject([
      { code: 'ICT_CATALOGUE_NO_CHANGELOGS', message: expect.stringContaining(question.provider.ecosystem) as string },
    ]);
  });

  it('that cannot be read are an error: they were asked for', async () => {
    const broken = () => Promise.reject(coreError('ICT_LOCK_UNREADABLE', { message: 'no changelog can be read' }));
    await expect(ask(asking({ changelogs: broken }), { changelog: true })).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });
});

describe('answerNames', () => {
  it('tells every name once, and those of the lock', async () => {
    await using context = fakeContext();
    expect(await answerNames(question, { context })).toEqual({ all: ['apache', 'dpkg', 'nginx', 'nginx-doc', 'tar'], locked: ['nginx'] });
    expect((await answerNames({ ...question, lock: undefined }, { context })).locked).toEqual([]);
  });

  it('reads no index again whose root is known', async () => {
    await using context = fakeContext();
    await answerNames(question, { context });
    const unreadable: Catalogue = {
      list: () => {
        throw new Error('an index is read');
      },
      describe: catalogue.describe,
    };
    const again = { ...question, provider: { ...question.provider, catalogue: unreadable } };
    expect((await answerNames(again, { context })).all).toContain('tar');
    const moved = question.snapshots.map((one) => ({ ...one, root: { ...one.root, digest: digestOfAll('b') } }));
    await expect(answerNames({ ...again, snapshots: moved }, { context })).rejects.toThrow('an index is read');
  });
});
