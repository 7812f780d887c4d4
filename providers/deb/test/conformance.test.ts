import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildArchive, buildDeb, createSigningKey, type ArchiveSpec } from '@ict/fixtures';
import type { DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { describeProvider, directoryArchive, fakeContext, type FakeContextOptions, type ProviderFixture } from '@ict/plugin-testkit';
import { checkClearsigned, checkSignature, parseKeyring } from '@ict/verify';
import { createDebProvider } from '../src/provider.js';
import { faultsOf } from './checked-resolution.js';

const SUITES = ['sound', 'changed-root', 'unknown-key', 'expired', 'changed-index'] as const;
type Suite = (typeof SUITES)[number];

const addressOf = (suite: Suite): string => `http://archive.example/${suite}`;

const distribution: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'deb',
  os: 'debian',
  dist: 'debian13',
  title: 'Debian 13',
  architectures: ['x86_64'],
  repositories: [],
  essential: { priorities: [], packages: [] },
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd.img-${kernelVersion}', makeInitrd: [], loaders: {} },
  tools: { packages: {} },
  defaults: {},
  quirks: { preExtract: ['conformance-base'], usrMerge: ['bin'] },
};

/** Generated once; tests only read it. */
let directory: string;
let nowSeconds: number;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-deb-conformance-'));
  const build = (name: string, depends: string) =>
    buildDeb(
      { name, version: '1.0-1', fields: { ...(depends && { Depends: depends }) }, files: { [`/usr/share/${name}`]: name } },
      directory,
    );
  const debs = await Promise.all([
    build('conformance-base', ''),
    build('conformance-terminal', 'conformance-base (>= 1)'),
    build('conformance-editor', 'conformance-terminal'),
    build('conformance-shell', 'conformance-base'),
  ]);
  const [key, foreign] = [await createSigningKey('archive'), await createSigningKey('foreign')];
  await writeFile(join(directory, 'archive.pgp'), key.keyring);
  // The archive's keys sign with the machine's clock.
  nowSeconds = Math.floor(Date.now() / 1000);
  for (const suite of SUITES) {
    const changes: Partial<ArchiveSpec> =
      suite === 'unknown-key' ? { key: foreign } : suite === 'expired' ? { validUntilSeconds: nowSeconds - 60 } : {};
    await buildArchive({ root: join(directory, suite), suite, debs, key, dateSeconds: nowSeconds - 3600, ...changes });
  }
  // On a slow machine they signed some seconds later.
  nowSeconds = Math.floor(Date.now() / 1000);
  await edit('changed-root/dists/changed-root/InRelease', (text) => text.replace('Label: ICT', 'Label: ICU'));
  for (const file of ['Packages', 'Packages.gz', 'Packages.xz']) {
    const path = join(directory, 'changed-index/dists/changed-index/main/binary-amd64', file);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await writeFile(path, bytes);
  }
  await rm(join(directory, 'changed-index/dists/changed-index/main/binary-amd64/by-hash'), { recursive: true });
});

afterAll(() => rm(directory, { recursive: true }));

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const path = join(directory, file);
  await writeFile(path, change(await readFile(path, 'utf8')));
}

function makeFixture(): ProviderFixture {
  const repository = (suite: Suite): RepositorySpec => ({
    id: `debian-${suite}`,
    archive: addressOf(suite),
    suite,
    components: ['main'],
    keyrings: [join(directory, 'archive.pgp')],
    expect: { origin: 'ICT', codename: suite },
  });
  const keys = (keyrings: readonly Uint8Array[]) => Promise.all(keyrings.map(parseKeyring));
  const options: FakeContextOptions = {
    archives: SUITES.map((suite) => directoryArchive(addressOf(suite), join(directory, suite))),
    nowSeconds,
    verify: {
      clearsigned: async (message, keyrings, { atSeconds = nowSeconds } = {}) => checkClearsigned(message, await keys(keyrings), atSeconds),
      detached: async (content, signature, keyrings, { atSeconds = nowSeconds } = {}) =>
        checkSignature({ covered: content, signature, keyrings: await keys(keyrings), atSeconds }),
    },
  };
  const ctx = fakeContext(options);
  const others: AsyncDisposable[] = [];
  return {
    provider: createDebProvider(),
    distribution,
    arch: 'x86_64',
    repository: repository('sound'),
    refused: {
      changedRoot: repository('changed-root'),
      unknownKey: repository('unknown-key'),
      expiredRoot: repository('expired'),
      changedIndex: repository('changed-index'),
    },
    seeds: [
      { request: 'conformance-shell', reason: 'template' },
      { request: 'conformance-editor', reason: 'template' },
      { request: 'conformance-base=1.0-1', reason: 'kernel' },
    ],
    unknownSeed: { request: 'conformance-nothing', reason: 'template', position: { file: 'image.yml', line: 7, column: 9 } },
    ctx,
    contextWith: (signal) => {
      const other = fakeContext({ ...options, signal });
      others.push(other);
      return other;
    },
    packageFile: ({ path }) => join(directory, basename(path)),
    unpackedFiles: ['base', 'terminal', 'editor', 'shell'].map((name) => `/usr/share/conformance-${name}`),
    faultsOf: async (seeds, { packages }) => {
      const index = await readFile(join(directory, 'sound/dists/sound/main/binary-amd64/Packages'), 'utf8');
      return faultsOf(
        seeds.map(({ request }) => request),
        packages,
        new Map([['debian-sound', index]]),
      );
    },
    close: async () => {
      for (const each of [ctx, ...others]) await each[Symbol.asyncDispose]();
    },
  };
}

describeProvider('deb', async () => makeFixture(), { describe, it, expect });
