import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type {
  Catalogue,
  Closure,
  PackageRecord,
  PackageStanding,
  PackageSummary,
  Provider,
  ResolutionRequest,
  Resolution,
  Seed,
  WantedText,
} from '@ict/plugin-api';
import { describeProvider } from '../src/index.js';
import { runSuite } from './support/suite-run.js';
import { toyFixture, toyProvider } from './support/toy-provider.js';

describeProvider('toy', () => toyFixture(), { describe, it, expect });

const sound = toyProvider();
const failuresOf = async (change: Partial<Provider>): Promise<readonly string[]> =>
  (await runSuite((api) => describeProvider('faulty', () => toyFixture({ ...sound, ...change }), api))).failed;

/** A resolver whose answers for solvable requests are changed. */
const resolving = (change: (answer: Resolution & { readonly kind: 'resolved' }, request: ResolutionRequest) => Resolution) => ({
  resolver: {
    ...sound.resolver,
    resolve: async (...[request, ctx]: Parameters<Provider['resolver']['resolve']>) => {
      const answer = await sound.resolver.resolve(request, ctx);
      return answer.kind === 'resolved' ? change(answer, request) : answer;
    },
  },
});

/** A catalogue of the toy's packages, each of them a candidate, and how it is told of them. */
function catalogue(told: (standing: PackageStanding) => readonly PackageStanding[] = (standing) => [standing]): Catalogue {
  return {
    async *list(snapshot, ctx) {
      for await (const { name, version, arch } of sound.metadata.packages(snapshot, ctx)) yield { name, version, arch, summary: '' };
    },
    describe: async (snapshot, name, ctx) => {
      const records = await recordsOf(snapshot, ctx);
      return {
        packages: records.filter((pkg) => pkg.name === name).map((pkg) => ({ ...pkg, summary: '', details: [], relations: [] })),
        providers: [],
      };
    },
    standings: async ({ snapshots, names }, ctx) => {
      const records = (await Promise.all(snapshots.map((snapshot) => recordsOf(snapshot, ctx)))).flat();
      return records
        .filter(({ name }) => names.has(name))
        .flatMap(({ name, version, arch, repository }) => told({ name, version, arch, repository, candidate: true }));
    },
  };
}

async function recordsOf(...[snapshot, ctx]: Parameters<Provider['metadata']['packages']>): Promise<readonly PackageRecord[]> {
  const records: PackageRecord[] = [];
  for await (const record of sound.metadata.packages(snapshot, ctx)) records.push(record);
  return records;
}

const STANDINGS = 'the catalogue, where there is one > tells how each package stands that it does not withhold, and takes for candidates what a resolution takes, as plain data'; // prettier-ignore
const WANTED =
  'the catalogue, where there is one > names what a search may want: all that has a word, in any case, or a name, in their order';

describe('the suite', () => {
  it('passes a sound catalogue', async () => {
    expect(await failuresOf({ catalogue: catalogue() })).toEqual([]);
  });

  it.each<[string, (standing: PackageStanding) => readonly PackageStanding[]]>([
    ['says nothing of a package', () => []],
    ['has no candidate', (standing) => [{ ...standing, candidate: false }]],
    ['passes over a candidate', (standing) => [{ ...standing, passedOver: '2 is newer' }]],
    ['tells of a package twice', (standing) => [standing, standing]],
  ])('catches a catalogue that %s', async (_what, told) => {
    expect(await failuresOf({ catalogue: catalogue(told) })).toEqual([STANDINGS]);
  });

  it('passes a catalogue that narrows a search, and catches one that leaves out what is wanted, or changes the order', async () => {
    const narrowing = (change: (all: readonly PackageSummary[], wanted: WantedText) => readonly PackageSummary[]): Catalogue => ({
      ...catalogue(),
      async *mentioning(snapshot, wanted, ctx) {
        const all: PackageSummary[] = [];
        for await (const pkg of catalogue().list(snapshot, ctx)) all.push(pkg);
        yield* change(all, wanted);
      },
    });
    const has = ({ name }: PackageSummary, { words, names }: WantedText, fold = (text: string) => text.toLowerCase()): boolean =>
      names.has(name) || words.every((word) => name.includes(fold(word)));
    const failures = async (...[change]: Parameters<typeof narrowing>) => await failuresOf({ catalogue: narrowing(change) });
    expect(await failures((all, wanted) => all.filter((pkg) => has(pkg, wanted)))).toEqual([]);
    expect(await failures((all) => all)).toEqual([]);
    expect(await failures((all, wanted) => all.filter((pkg) => has(pkg, { ...wanted, names: new Set() }, (text) => text)))).toEqual([
      WANTED,
    ]);
    expect(await failures((all) => [...all].reverse())).toEqual([WANTED]);
  });

  it('asks no provider what it took for its seeds that does not say it', async () => {
    const silent = resolving((answer) => ({ ...answer, closure: { packages: answer.closure.packages } }));
    expect(await failuresOf(silent)).toEqual([]);
  });

  it('passes a provider without faults', async () => {
    const { ran, failed } = await runSuite((api) => describeProvider('toy', () => toyFixture(), api));
    expect([ran > 25, failed]).toEqual([true, []]);
  });

  it('shows every answer to a second reader, when the fixture has one', async () => {
    const shown: string[] = [];
    const faultsOf = (seeds: readonly Seed[], { packages }: Closure): readonly string[] => {
      shown.push(seeds.map(({ request }) => request).join(' '));
      return packages.length === 1 ? [] : ['one is too many'];
    };
    const { failed } = await runSuite((api) => describeProvider('toy', async () => ({ ...(await toyFixture()), faultsOf }), api));
    expect(shown.length).toBeGreaterThan(3);
    expect(failed).toContain('a resolution > is plain data, and the same each time');
  });

  it.each<[string, Partial<Provider>, string]>([
    [
      'trusts a root without checking it',
      {
        metadata: {
          ...sound.metadata,
          snapshot: async (repository, arch, ctx) => {
            const trusting = async (message: Uint8Array) => ({
              good: true,
              signers: ['AB'.repeat(20)],
              issuers: [],
              failures: [],
              plaintext: Buffer.from(message).toString().split('\n').slice(2).join('\n'),
            });
            return sound.metadata.snapshot(repository, arch, { ...ctx, verify: { ...ctx.verify, clearsigned: trusting } });
          },
        },
      },
      'a snapshot > is refused for a repository with a flaw: changedRoot',
    ],
    [
      'forgets that a root can expire',
      {
        metadata: {
          ...sound.metadata,
          snapshot: (repository, arch, ctx) => sound.metadata.snapshot(repository, arch, { ...ctx, clock: () => 0 }),
        },
      },
      'a snapshot > is refused for a repository with a flaw: expiredRoot',
    ],
    [
      'lists a package twice',
      {
        metadata: {
          ...sound.metadata,
          packages: async function* (pinned, ctx) {
            yield* sound.metadata.packages(pinned, ctx);
            yield* sound.metadata.packages(pinned, ctx);
          },
        },
      },
      'packages > occur once each',
    ],
    [
      'names files by directory',
      { fileName: ({ name }) => `pool/${name}` },
      'packages > have a file name of their own, without a directory',
    ],
    ['gives two packages one file name', { fileName: () => 'package' }, 'packages > have a file name of their own, without a directory'],
    [
      'leaves out what a package needs',
      resolving((answer) => ({ ...answer, closure: { packages: answer.closure.packages.slice(1) } })),
      'a resolution > is a closure: everything that a member requires is a member',
    ],
    [
      'lets the order of the seeds show',
      resolving((answer, { seeds }) => ({
        ...answer,
        warnings: [{ code: 'TOY_FIRST', message: seeds[0]?.request ?? '', because: [] }],
      })),
      'a resolution > does not depend on the order of the seeds',
    ],
    [
      'says of one seed alone what was taken for it',
      resolving((answer, { seeds }) => {
        const [request] = seeds.map((seed) => seed.request).sort() as [string];
        return { ...answer, closure: { ...answer.closure, answers: { [request]: [`${request}:all`] } } };
      }),
      'a resolution > names members that a seed asked for, when it says what was taken for its seeds',
    ],
    [
      'names what a seed brought along as taken for it',
      resolving((answer) => ({
        ...answer,
        closure: { ...answer.closure, answers: { ...answer.closure.answers, editor: ['terminal:all'] } },
      })),
      'a resolution > names members that a seed asked for, when it says what was taken for its seeds',
    ],
    [
      'does not say where an unknown package was asked for',
      {
        resolver: {
          ...sound.resolver,
          resolve: async (request, ctx) => {
            const seeds = request.seeds.map(({ request: text, reason }) => ({ request: text, reason }));
            return sound.resolver.resolve({ ...request, seeds }, ctx);
          },
        },
      },
      'a resolution > fails for an unknown package, with its name and position',
    ],
    ['verifies nothing', { verifier: { verify: async () => undefined } }, 'the verifier > refuses the file of another package'],
    [
      'says that it chooses among files, and does not',
      { installer: { ...sound.installer, choosesFiles: true } },
      'apply > does otherwise for each choice among files, when it says that it can',
    ],
    [
      'installs in the order in which it is told',
      {
        installer: {
          ...sound.installer,
          apply: async ({ install }, tree) => {
            for (const { name } of install) await tree.run({ argv: ['toy', name], env: {} });
          },
        },
      },
      'apply > does the same for the same packages in another order',
    ],
    [
      'lets a command reach the network',
      {
        installer: { ...sound.installer, apply: async (_change, tree) => void (await tree.run({ argv: ['toy'], env: {}, network: true })) },
      },
      'apply > gives each command its whole environment, and no network',
    ],
    [
      'stamps a tree anew each time',
      { installer: { ...sound.installer, clean: async (tree) => tree.write('/etc/stamp', String(performance.now())) } },
      'clean > changes nothing when it runs again',
    ],
    [
      'writes into a twin where its package lies',
      { twins: { version: 1, write: async (file, out) => writeFile(out, file) } },
      'twins, where there are any > have the same bytes wherever the package lies',
    ],
    [
      'loses something in a twin',
      { twins: { version: 1, write: async (file, out) => writeFile(out, (await readFile(file, 'utf8')).slice(1)) } },
      'twins, where there are any > unpack to what the packages unpack to',
    ],
    [
      'leaves half a twin behind',
      {
        twins: {
          version: 1,
          write: async (file, out, { signal }) => {
            await copyFile(file, out);
            signal.throwIfAborted();
            if ((await readFile(file, 'utf8')).startsWith('this')) throw new Error('no package');
          },
        },
      },
      'twins, where there are any > leave nothing behind that could not be written',
    ],
  ])('catches a provider that %s', async (_, change, title) => {
    expect(await failuresOf(change)).toContain(title);
  });
});
