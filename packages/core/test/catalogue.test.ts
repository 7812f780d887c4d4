import { describe, expect, it } from 'vitest';
import type { Catalogue, PackageDescription, Snapshot } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { answerNames, answerSearch, answerShow } from '../src/catalogue.js';
import type { Lock } from '../src/lock.js';
import { digestOfAll, repository, resolvedPackage, sampleProvider, snapshotOf } from './sample-image.js';

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
  ],
  updates: [{ name: 'nginx', version: '1.2', summary: 'Small and quick web server', provides: 'httpd (= 2)' }],
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
  lock,
};

async function search(...words: string[]) {
  await using context = fakeContext();
  return await answerSearch(words, question, { context });
}

async function show(wanted: string, asked = question) {
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
  ])('finds what has %j, names first', async (words, names) => {
    expect((await search(...words)).packages.map(({ name }) => name)).toEqual(names);
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

  it('offers names like a word that nothing has', async () => {
    expect(await search('ngnix')).toMatchObject({ packages: [], nearest: ['nginx'] });
    expect((await search('tar')).nearest).toEqual([]);
  });
});

describe('answerShow', () => {
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
  ])('%s narrows them', async (wanted, versions) => {
    expect((await show(wanted)).packages.map(({ version }) => version)).toEqual(versions);
  });

  it('says who provides a name that is no package', async () => {
    expect(await show('httpd')).toMatchObject({
      packages: [],
      providers: [
        { name: 'apache', provides: 'httpd' },
        { name: 'nginx', version: '1.2', provides: 'httpd (= 2)' },
      ],
    });
  });

  it.each([
    ['ngnix', 'Did you mean "nginx"?'],
    ['nginx=9', 'There is nginx:amd64 1.0, nginx:amd64 1.2.'],
    ['nginx:arm64', 'There is nginx:amd64 1.0, nginx:amd64 1.2.'],
    ['zzzzzz', 'Look for it with `ict search`.'],
  ])('refuses %s', async (wanted, hint) => {
    await expect(show(wanted)).rejects.toMatchObject({ code: 'ICT_PACKAGE_UNKNOWN', hint });
  });

  it('needs a provider that has a catalogue', async () => {
    await expect(show('nginx', { ...question, provider: sampleProvider({}) })).rejects.toMatchObject({ code: 'ICT_CATALOGUE_MISSING' });
  });
});

describe('answerNames', () => {
  it('tells every name once, and those of the lock', async () => {
    await using context = fakeContext();
    expect(await answerNames(question, { context })).toEqual({ all: ['apache', 'nginx', 'nginx-doc', 'tar'], locked: ['nginx'] });
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
