import { deepStrictEqual } from 'node:assert';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { describeProvider, directoryArchive, fakeContext, type FakeContextOptions, type ProviderFixture } from '@ict/plugin-testkit';
import { checkClearsigned, parseKeyring } from '@ict/verify';
import { createCleartextMessage, generateKey, readKey, readPrivateKey, sign } from 'openpgp';
import { createTarballProvider } from '../dist/provider.js';
import { publish } from '../dist/publish.js';

const NOW = Math.floor(Date.now() / 1000);
const YEAR = 365 * 86_400;
const FILES = { base: '/etc/base', terminal: '/usr/bin/terminal', editor: '/usr/bin/editor' } as const;

const distribution: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'tarballs',
  os: 'acme',
  dist: 'acme1',
  title: 'Acme 1',
  architectures: ['x86_64'],
  repositories: [],
  essential: { priorities: [], packages: ['base'] },
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd-${kernelVersion}', makeInitrd: [], loaders: {} },
  tools: { packages: {} },
  defaults: {},
};

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-tarballs-'));
  const own = await makeKey();
  const foreign = await makeKey();
  await writeFile(join(root, 'keyring.gpg'), own.keyring);
  const packages = await Promise.all(
    Object.entries(FILES).map(async ([name, path]) => {
      const tree = join(root, 'trees', name);
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), name);
      return { name, version: '1.0', tree, requires: name === 'base' ? [] : ['base'] };
    }),
  );
  const make = (name: string, clearsign: (text: string) => Promise<string>, validUntil: number) =>
    publish({ directory: join(root, name), packages, date: NOW - YEAR, validUntil, clearsign });
  await make('sound', own.clearsign, NOW + YEAR);
  await make('expired', own.clearsign, NOW - 1);
  await make('unknown-key', foreign.clearsign, NOW + YEAR);
  await copyChanged('changed-root', 'index.asc', (text) => text.replace('"date"', '"Date"'));
  await copyChanged('changed-index', 'packages.json', (text) => text.replace('1.0', '2.0'));
});

after(() => rm(root, { recursive: true }));

async function copyChanged(name: string, file: string, change: (text: string) => string): Promise<void> {
  await cp(join(root, 'sound'), join(root, name), { recursive: true });
  await writeFile(join(root, name, file), change(await readFile(join(root, name, file), 'utf8')));
}

async function makeKey(): Promise<{ keyring: Uint8Array; clearsign: (text: string) => Promise<string> }> {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: 'Acme' }], date: new Date((NOW - 60) * 1000) });
  const signingKeys = await readPrivateKey({ armoredKey: privateKey });
  return {
    keyring: (await readKey({ armoredKey: publicKey })).write(),
    clearsign: async (text) => sign({ message: await createCleartextMessage({ text }), signingKeys, date: new Date(NOW * 1000) }),
  };
}

async function makeFixture(): Promise<ProviderFixture> {
  const repository = (name: string): RepositorySpec => ({
    id: name,
    archive: `http://archive.example.org/${name}`,
    suite: '',
    components: [],
    keyrings: [join(root, 'keyring.gpg')],
  });
  const names = ['sound', 'expired', 'unknown-key', 'changed-root', 'changed-index'];
  const options: FakeContextOptions = {
    archives: names.map((name) => directoryArchive(repository(name).archive, join(root, name))),
    nowSeconds: NOW,
    verify: {
      clearsigned: async (message, keyrings) => checkClearsigned(message, await Promise.all(keyrings.map(parseKeyring)), NOW),
      detached: () => Promise.reject(new Error('repositories of tarballs have no detached signatures')),
    },
  };
  const contexts = [fakeContext(options)];
  return {
    provider: createTarballProvider(),
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
      { request: 'editor', reason: 'template' },
      { request: 'terminal=1.0', reason: 'template' },
    ],
    unknownSeed: { request: 'nothing', reason: 'template', position: { file: 'image.yml', line: 7, column: 9 } },
    ctx: contexts[0],
    contextWith: (signal) => {
      contexts.push(fakeContext({ ...options, signal }));
      return contexts[contexts.length - 1];
    },
    packageFile: ({ path }) => join(root, 'sound', path),
    unpackedFiles: Object.values(FILES),
    faultsOf: async (seeds, { packages }) => {
      const text = await readFile(join(root, 'sound', 'packages.json'), 'utf8');
      const listed = JSON.parse(text) as readonly { readonly name: string; readonly requires: readonly string[] }[];
      const chosen = new Set(packages.map(({ name }) => name));
      const wanted = [
        ...seeds.map(({ request }) => request.split('=')[0] ?? ''),
        ...listed.flatMap(({ name, requires }) => (chosen.has(name) ? requires : [])),
      ];
      return wanted.filter((name) => !chosen.has(name)).map((name) => `${name} is missing`);
    },
    close: async () => {
      for (const context of contexts) await context[Symbol.asyncDispose]();
    },
  };
}

const expect = (actual: unknown) => ({ toEqual: (expected: unknown) => deepStrictEqual(actual, expected) });

describeProvider('tarballs', makeFixture, { describe, it, expect });
