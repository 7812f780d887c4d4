import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type {
  BuildContext,
  Context,
  DistributionDefinition,
  PackageRecord,
  Provider,
  RepositorySpec,
  ResolvedPackage,
  SignatureResult,
  Snapshot,
} from '@ict/plugin-api';
import { fakeContext, memoryArchive } from '../../src/index.js';
import type { ProviderFixture } from '../../src/index.js';

const ARCHIVE = 'http://archive.example/toy';
const NOW = Date.parse('2026-06-01T00:00:00Z') / 1000;
const KEY = 'AB'.repeat(20);

/** An ecosystem in a page of code: packages are `name version arch` and then text, roots and indexes are JSON. */
interface ToyPackage {
  readonly name: string;
  readonly needs: readonly string[];
}

const PACKAGES: readonly ToyPackage[] = [
  { name: 'base', needs: [] },
  { name: 'editor', needs: ['base', 'terminal'] },
  { name: 'shell', needs: ['base'] },
  { name: 'terminal', needs: ['base'] },
];

interface ToyRoot {
  readonly validUntil: number;
  readonly index: { readonly path: string; readonly digest: PackageRecord['digest']; readonly sizeBytes: number };
}

type ToyRecord = PackageRecord & { readonly needs: readonly string[] };

const toyError = (kind: 'integrity' | 'unsolvable', message: string): IctError => new IctError('TOY_ERROR', kind, { message });

/** A provider that keeps every rule. */
export function toyProvider(): Provider {
  return {
    ecosystem: 'toy',
    fileName: (pkg) => `${pkg.name}-${pkg.version}.${pkg.arch}.toy`,
    metadata: { snapshot, packages },
    resolver: {
      version: 1,
      resolve: async ({ snapshots, seeds }, ctx) => {
        ctx.signal.throwIfAborted();
        const known = new Map<string, ToyRecord>();
        for (const pinned of snapshots) for (const record of await readIndex(pinned, ctx)) known.set(record.name, record);
        const problems = seeds
          .filter(({ request }) => !known.has(request))
          .map(({ request, position }) => ({
            code: 'TOY_UNKNOWN',
            message: `${request} is unknown`,
            because: [],
            ...(position && { position }),
          }));
        if (problems.length > 0) return { kind: 'unsolvable', problems };
        const reasons = new Map<string, Set<string>>();
        const add = (name: string, by: string): void => {
          const first = !reasons.has(name);
          reasons.set(name, (reasons.get(name) ?? new Set()).add(by));
          if (first) for (const need of known.get(name)?.needs ?? []) add(need, `${name}:all`);
        };
        for (const { request, reason } of seeds) add(request, reason);
        const closure = [...reasons].map(([name, by]): ResolvedPackage => {
          const { needs, ...record } = known.get(name) as ToyRecord;
          return { ...record, id: `${name}:all`, requires: needs.map((need) => `${need}:all`).sort(), requestedBy: [...by].sort() };
        });
        const answers = Object.fromEntries(seeds.map(({ request }) => [request, [`${request}:all`]]));
        return { kind: 'resolved', closure: { packages: closure.sort((a, b) => (a.id < b.id ? -1 : 1)), answers }, warnings: [] };
      },
    },
    verifier: {
      verify: async (file, expected) => {
        const [heading] = (await readFile(file, 'utf8')).split('\n');
        if (heading !== `${expected.name} ${expected.version} ${expected.arch}`) throw toyError('integrity', `${file} is ${heading}`);
      },
    },
    installer: {
      version: 1,
      unpack: async (list, tree) => {
        for (const { name, file, twin = file } of list) await tree.copyIn(twin, `/opt/${name}`);
      },
      apply: async ({ install }, tree) => {
        const sorted = install.toSorted((a, b) => (a.id < b.id ? -1 : 1));
        await tree.expose(sorted, '/run/toy');
        for (const { file } of sorted) await tree.run({ argv: ['toy', 'install', `/run/toy/${basename(file)}`], env: { PATH: '/bin' } });
      },
      clean: async (tree) => tree.remove('/var/log/toy.log'),
    },
    twins: {
      version: 1,
      write: async (file, out, { signal }) => {
        signal.throwIfAborted();
        const text = await readFile(file, 'utf8');
        if (!/^\S+ \S+ \S+\n/.test(text)) throw toyError('integrity', `${file} is no package`);
        await writeFile(out, text);
      },
    },
    inventory: { list: async () => [], purl: ({ name, version, arch }) => `pkg:toy/${name}@${version}?arch=${arch}` },
  };
}

async function snapshot(repository: RepositorySpec, _arch: string, ctx: Context): Promise<Snapshot> {
  const path = `${repository.suite}/root.json`;
  const { file, digest, sizeBytes } = await ctx.fetch.fetch({ url: `${repository.archive}/${path}`, maxBytes: 10_000 });
  const result = await ctx.verify.clearsigned(await readFile(file), []);
  if (!result.good || result.plaintext === undefined) throw toyError('integrity', 'the root is not signed');
  const root = JSON.parse(result.plaintext) as ToyRoot;
  if (root.validUntil < ctx.clock()) throw toyError('integrity', 'the root has expired');
  return { repository, root: { path, digest, sizeBytes, dateSeconds: NOW }, signers: result.signers, indexes: [root.index] };
}

async function readIndex(pinned: Snapshot, ctx: Context): Promise<readonly ToyRecord[]> {
  const [index] = pinned.indexes as [Snapshot['indexes'][number]];
  const { path, digest, sizeBytes } = index;
  const { file } = await ctx.fetch.fetch({
    url: `${pinned.repository.archive}/${path}`,
    maxBytes: sizeBytes,
    expect: { digest, sizeBytes },
  });
  return JSON.parse(await readFile(file, 'utf8')) as readonly ToyRecord[];
}

async function* packages(pinned: Snapshot, ctx: Context): AsyncGenerator<PackageRecord> {
  for (const record of await readIndex(pinned, ctx))
    yield Object.fromEntries(Object.entries(record).filter(([field]) => field !== 'needs')) as unknown as PackageRecord;
}

/** Signs as the toy verifier reads it: the key, the digest of the text, the text. */
function sign(key: string, text: string): string {
  return `${key}\n${digestOf(text)}\n${text}`;
}

async function verifyToy(message: Uint8Array): Promise<SignatureResult> {
  const [key, digest, ...lines] = Buffer.from(message).toString().split('\n');
  const plaintext = lines.join('\n');
  const good = key === KEY && digest === digestOf(plaintext);
  return { good, signers: good ? [KEY] : [], issuers: [], failures: good ? [] : ['no'], ...(good ? { plaintext } : {}) };
}

/** An archive with a sound suite and one for each flaw, and a provider, by default one without faults. */
export async function toyFixture(provider: Provider = toyProvider()): Promise<ProviderFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'ict-toy-'));
  const fileOf = (name: string): string => join(directory, `${name}.toy`);
  for (const { name } of PACKAGES) writeFileSync(fileOf(name), `${name} 1 all\nthe content of ${name}\n`);
  const repository = (suite: string): RepositorySpec => ({ id: `toy-${suite}`, archive: ARCHIVE, suite, components: [], keyrings: [] });
  const files: Record<string, string> = {};
  const publish = (suite: string, key: string, validUntil: number, spoil?: 'root' | 'index'): RepositorySpec => {
    const records = PACKAGES.map(({ name, needs }) => {
      const bytes = readFileSync(fileOf(name));
      const common = { name, version: '1', arch: 'all', repository: `toy-${suite}`, path: `pool/${name}.toy` };
      return { ...common, digest: digestOf(bytes), sizeBytes: bytes.length, needs };
    });
    const index = JSON.stringify(records);
    const path = `${suite}/index.json`;
    const root = sign(key, JSON.stringify({ validUntil, index: { path, digest: digestOf(index), sizeBytes: index.length } }));
    files[`${ARCHIVE}/${path}`] = spoil === 'index' ? index.replace('editor', 'e-itor') : index;
    files[`${ARCHIVE}/${suite}/root.json`] = spoil === 'root' ? `${root} ` : root;
    return repository(suite);
  };
  const sound = publish('sound', KEY, NOW + 60);
  const refused = {
    changedRoot: publish('changed-root', KEY, NOW + 60, 'root'),
    unknownKey: publish('unknown-key', 'CD'.repeat(20), NOW + 60),
    expiredRoot: publish('expired', KEY, NOW - 60),
    changedIndex: publish('changed-index', KEY, NOW + 60, 'index'),
  };
  const options = { archives: [memoryArchive(files)], verify: { clearsigned: verifyToy, detached: verifyToy }, nowSeconds: NOW };
  const contexts = [fakeContext(options)];
  return {
    provider,
    distribution: { dist: 'toy' } as unknown as DistributionDefinition,
    arch: 'x86_64',
    repository: sound,
    refused,
    seeds: [
      { request: 'shell', reason: 'template' },
      { request: 'editor', reason: 'template' },
      { request: 'base', reason: 'essential' },
    ],
    unknownSeed: { request: 'nothing', reason: 'template', position: { file: 'image.yml', line: 3, column: 5 } },
    ctx: contexts[0] as BuildContext,
    contextWith: (signal) => {
      const ctx = fakeContext({ ...options, signal });
      contexts.push(ctx);
      return ctx;
    },
    packageFile: ({ name }) => fileOf(name),
    unpackedFiles: PACKAGES.map(({ name }) => `/opt/${name}`),
    close: async () => {
      rmSync(directory, { recursive: true });
      for (const ctx of contexts) await ctx[Symbol.asyncDispose]();
    },
  };
}
