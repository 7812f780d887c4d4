import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPlainRpms, RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { describeProvider, directoryArchive, fakeContext, type FakeContextOptions, type ProviderFixture } from '@ict/plugin-testkit';
import { checkClearsigned, checkSignature, parseKeyring } from '@ict/verify';
import { createRpmProvider } from '../src/provider.js';
import { faultsOf, metadataText } from './checked-resolution.js';

const NAMES = ['sound', 'changed-root', 'unknown-key', 'expired', 'changed-index'] as const;
type Name = (typeof NAMES)[number];

const addressOf = (name: Name): string => `http://archive.example/${name}`;

const distribution: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'rpm',
  os: 'fedora',
  dist: 'fedora43',
  title: 'Fedora 43',
  architectures: ['x86_64'],
  repositories: [],
  essential: { priorities: [], packages: [] },
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initramfs-${kernelVersion}.img', makeInitrd: [], loaders: {} },
  tools: { packages: {} },
  defaults: {},
  quirks: { preExtract: ['conformance-base'] },
};

/** Generated once; tests only read it. */
const workshop = new RpmWorkshop();
let key: RpmKey;
let nowSeconds: number;

beforeAll(() => {
  key = workshop.key('archive');
  const foreign = workshop.key('foreign');
  const build = (name: string, ...preamble: string[]) =>
    workshop.build({ name: `conformance-${name}`, preamble, files: { [`/usr/share/conformance-${name}`]: name } });
  const files = [
    build('base'),
    build('terminal', 'Requires: conformance-base >= 1'),
    build('editor', 'Requires: conformance-terminal', 'Provides: editor = 2'),
    // The installer is a package like any other: nothing installs without it.
    workshop.build({
      name: 'rpm',
      preamble: ['Requires: conformance-base'],
      files: { '/usr/share/conformance-rpm': 'rpm' },
      more: [
        '%changelog',
        '* Fri Jan 02 2026 Ann <ann@a.example> - 1.0-1',
        '- Second',
        '* Thu Jan 01 2026 Ann <ann@a.example> - 0.9-1',
        '- First',
      ],
    }),
  ];
  workshop.sign(files, key);
  for (const name of NAMES) {
    const root = workshop.repository(name, files, name === 'unknown-key' ? foreign : key);
    if (name === 'expired') workshop.signRoot(root, key, ['--faked-system-time', '20240101T000000!', '--default-sig-expire', '1']);
    const repodata = join(root, 'repodata');
    if (name === 'changed-root') {
      const repomd = join(repodata, 'repomd.xml');
      writeFileSync(repomd, readFileSync(repomd, 'utf8').replace('<revision>', '<revision>1'));
    }
    if (name === 'changed-index') {
      const primary = join(repodata, readdirSync(repodata).find((file) => file.includes('-primary.xml'))!);
      const bytes = readFileSync(primary);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(primary, bytes);
    }
  }
  // The keys sign with the machine's clock.
  nowSeconds = Math.floor(Date.now() / 1000);
});

afterAll(() => workshop.close());

function makeFixture(): ProviderFixture {
  const repository = (name: Name): RepositorySpec => ({
    id: `fedora-${name}`,
    archive: addressOf(name),
    suite: '',
    components: [],
    keyrings: [key.keyring],
  });
  const keys = (keyrings: readonly Uint8Array[]) => Promise.all(keyrings.map(parseKeyring));
  const options: FakeContextOptions = {
    archives: NAMES.map((name) => directoryArchive(addressOf(name), join(workshop.directory, name))),
    nowSeconds,
    verify: {
      clearsigned: async (message, keyrings, { atSeconds = nowSeconds } = {}) => checkClearsigned(message, await keys(keyrings), atSeconds),
      detached: async (content, signature, keyrings, { atSeconds = nowSeconds, legacyCrypto = false } = {}) =>
        checkSignature({ covered: content, signature, keyrings: await keys(keyrings), atSeconds, legacyCrypto }),
    },
  };
  const ctx = fakeContext(options);
  const others: AsyncDisposable[] = [];
  return {
    provider: createRpmProvider(),
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
      { request: 'rpm', reason: 'template' },
      { request: 'editor', reason: 'template' },
      { request: 'conformance-base=1.0-1', reason: 'kernel' },
    ],
    unknownSeed: { request: 'conformance-nothing', reason: 'template', position: { file: 'image.yml', line: 7, column: 9 } },
    ctx,
    contextWith: (signal) => {
      const other = fakeContext({ ...options, signal });
      others.push(other);
      return other;
    },
    packageFile: ({ path }) => join(workshop.directory, 'sound/Packages', basename(path)),
    unpackedFiles: ['base', 'terminal', 'editor', 'rpm'].map((name) => `/usr/share/conformance-${name}`),
    faultsOf: async (seeds, { packages }) => {
      const snapshot = await createRpmProvider().metadata.snapshot(repository('sound'), 'x86_64', ctx);
      return faultsOf(
        seeds.map(({ request }) => request),
        packages,
        new Map([['fedora-sound', readPlainRpms(await metadataText(snapshot, 'primary', ctx))]]),
      );
    },
    close: async () => {
      for (const each of [ctx, ...others]) await each[Symbol.asyncDispose]();
    },
  };
}

describeProvider('rpm', async () => makeFixture(), { describe, it, expect });
