import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop, type RpmKey } from '@ict/fixtures';
import { fileAddress } from '@ict/plugin-api';
import type { DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { checkSignature, parseKeyring } from '@ict/verify';
import { createRpmProvider } from '../src/provider.js';
import { loadPackages } from '../src/metadata/metadata.js';
import { indexOf } from '../src/metadata/read-index.js';
import { resolvePinned } from './checked-resolution.js';

const OWN = 'http://archive.example/os';
const ELSEWHERE = 'https://packages.example/os';
const NOW = Math.floor(Date.now() / 1000) + 3600;

const workshop = new RpmWorkshop();
const provider = createRpmProvider();
let key: RpmKey;
let repository: RepositorySpec;
let root: string;

beforeAll(() => {
  key = workshop.key('publisher');
  repository = { id: 'main', archive: OWN, suite: '', components: [], keyrings: [key.keyring] };
  root = workshop.repository('whole', workshop.buildSet({ app: ['Requires: library'], library: [] }), key);
}, 240_000);
afterAll(() => workshop.close());

/** A copy of the repository. */
function copyOf(name: string): string {
  const copy = join(workshop.directory, name);
  cpSync(root, copy, { recursive: true });
  return copy;
}

/** @param archives directories by address. */
function open(archives: Readonly<Record<string, string>>): FakeContext {
  const ctx = fakeContext({
    archives: Object.entries(archives).map(([address, directory]) => directoryArchive(address, directory)),
    nowSeconds: NOW,
    verify: {
      clearsigned: () => Promise.reject(new Error('rpm repositories have none')),
      detached: async (covered, signature, keyrings) =>
        checkSignature({
          covered,
          signature,
          keyrings: await Promise.all(keyrings.map(parseKeyring)),
          atSeconds: NOW,
          legacyCrypto: false,
        }),
    },
  });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

const warnings = (ctx: FakeContext): readonly string[] =>
  ctx.events.flatMap((event) => (event.type === 'warning' ? [`${event.code}: ${event.message}`] : []));

describe('a repository whose packages lie elsewhere', () => {
  it('as createrepo_c writes it is used, and says of each package where it is', async () => {
    const published = copyOf('based');
    workshop.publish(published, key, ['--baseurl', `${ELSEWHERE}/`]);
    const pool = join(workshop.directory, 'pool');
    mkdirSync(pool);
    renameSync(join(published, 'Packages'), join(pool, 'Packages'));
    const ctx = open({ [OWN]: published, [ELSEWHERE]: pool });
    const snapshot = await provider.metadata.snapshot(repository, 'x86_64', ctx);
    const request = {
      arch: 'x86_64',
      distribution: {} as DistributionDefinition,
      snapshots: [snapshot],
      essential: false,
      recommends: false,
    } as const;
    const resolution = await resolvePinned({ ...request, seeds: [{ request: 'app', reason: 'template' }] }, ctx);
    if (resolution.kind !== 'resolved') throw new Error('it is not resolved');
    const { packages } = resolution.closure;
    expect(packages).toMatchObject(
      ['app', 'library'].map((name) => ({ name, repository: 'main', archive: ELSEWHERE, path: `Packages/${name}-1.0-1.noarch.rpm` })),
    );
    const described = await provider.catalogue!.describe(snapshot, 'app', ctx);
    expect(described.packages).toMatchObject([{ name: 'app', archive: ELSEWHERE }]);
    for (const pkg of packages) {
      const url = fileAddress(repository, pkg);
      const { digest } = await ctx.fetch.fetch({ url, maxBytes: pkg.sizeBytes });
      expect(digest).toBe(pkg.digest);
    }
    expect(warnings(ctx)).toEqual([]);
  });

  it('at no address that they are fetched from is used without these, which are named with it', async () => {
    const published = copyOf('local');
    rmSync(join(published, 'Packages', 'library-1.0-1.noarch.rpm'));
    workshop.publish(published, key, ['--baseurl', 'https://me:secret@packages.example/os/']);
    const ctx = open({ [OWN]: published });
    const index = await loadPackages(await provider.metadata.snapshot(repository, 'x86_64', ctx), ctx);
    expect(index.count).toBe(0);
    expect(warnings(ctx)).toEqual([
      expect.stringMatching(
        /^ICT_RPM_INDEX_INVALID: 1 package of repository "main" left out:\n {2}\S+primary\.xml\.gz: app: it lies elsewhere \(xml:base\), at an address with a user name or password$/,
      ),
    ]);
    expect(JSON.stringify(ctx.events)).not.toContain('secret');
  });
});

describe('a repository whose metadata lies elsewhere', () => {
  /** Says of the file of a type that it lies at a base, and puts it there. */
  function place(published: string, type: string, base: string, directory: string): void {
    const repomd = join(published, 'repodata/repomd.xml');
    const data = new RegExp(`(<data type="${type}">.*?<location) (href="([^"]*)")`, 's');
    const text = readFileSync(repomd, 'utf8');
    writeFileSync(repomd, text.replace(data, `$1 xml:base="${base}" $2`));
    workshop.signRoot(published, key);
    mkdirSync(join(directory, 'repodata'), { recursive: true });
    renameSync(join(published, data.exec(text)![3]!), join(directory, data.exec(text)![3]!));
  }

  it('is read from there, by what its signed root says of it', async () => {
    const [published, directory] = [copyOf('split'), join(workshop.directory, 'metadata')];
    place(published, 'primary', `${ELSEWHERE}/`, directory);
    const ctx = open({ [OWN]: published, [ELSEWHERE]: directory });
    const snapshot = await provider.metadata.snapshot(repository, 'x86_64', ctx);
    expect(indexOf(snapshot, 'primary')).toMatchObject({ archive: ELSEWHERE, path: expect.stringMatching(/^repodata\//) as string });
    expect(indexOf(snapshot, 'filelists')).not.toHaveProperty('archive');
    const index = await loadPackages(snapshot, ctx);
    expect([index.record(0, 'main'), index.count]).toEqual([expect.not.objectContaining({ archive: expect.anything() as unknown }), 2]);
  });

  it('and is another file there is refused', async () => {
    const [published, directory] = [copyOf('swapped'), join(workshop.directory, 'other')];
    place(published, 'primary', ELSEWHERE, directory);
    const [file] = readdirSync(join(directory, 'repodata'));
    execFileSync('truncate', ['--size=+1', join(directory, 'repodata', file!)]);
    const ctx = open({ [OWN]: published, [ELSEWHERE]: directory });
    const snapshot = await provider.metadata.snapshot(repository, 'x86_64', ctx);
    await expect(loadPackages(snapshot, ctx)).rejects.toMatchObject({ kind: 'integrity' });
  });

  it('at an address that is not fetched from is refused', async () => {
    const published = copyOf('nowhere');
    place(published, 'primary', 'file:///srv', join(workshop.directory, 'nowhere-primary'));
    const ctx = open({ [OWN]: published });
    await expect(provider.metadata.snapshot(repository, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_RPM_REPOMD_INVALID',
      facts: {
        repository: 'main',
        reason: 'it lists its primary as lying elsewhere (xml:base), at "file:///srv", which is no whole address of http or https',
      },
    });
  });
});
