import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, isSha256Digest, isAnyDigest } from '@ict/integrity';
import { isArchiveAddress } from '@ict/plugin-api';
import type {
  Architecture,
  BuildContext,
  Closure,
  DistributionDefinition,
  PackageRecord,
  Provider,
  RepositorySpec,
  ResolvedPackage,
  Seed,
  Snapshot,
  VerifiedPackage,
} from '@ict/plugin-api';
import { describeCatalogue } from './catalogue-suite.js';
import { closureOf, identity, pin, recordsOf, requestOf, resolve } from './fixture-questions.js';
import { describeInstaller } from './installer-suite.js';
import { failureKind, fails } from './failure.js';
import { isSorted, reorderings, repeated, throughJson } from './plain-data.js';
import type { TestApi } from './test-api.js';
import { describeTwins } from './twin-suite.js';

/** Repositories that a provider must refuse, each wrong in one way and sound otherwise. */
export interface RefusedRepositories {
  /** Its signed root was changed after it was signed. */
  readonly changedRoot: RepositorySpec;
  /** Its signed root is signed by a key that none of its keyrings holds. */
  readonly unknownKey: RepositorySpec;
  /** Its signed root says that it is no longer valid at the context's time. */
  readonly expiredRoot: RepositorySpec;
  /** Its signed root is sound, one of the indexes that it names is not what it says. */
  readonly changedIndex: RepositorySpec;
}

/** What a provider's suite works on. Make it once a test: nothing may be shared. */
export interface ProviderFixture {
  readonly provider: Provider;
  readonly distribution: DistributionDefinition;
  readonly arch: Architecture;
  /** A sound repository with at least three packages. */
  readonly repository: RepositorySpec;
  readonly refused: RefusedRepositories;
  /** At least two requests that `repository` satisfies together; their closure has two members or more. */
  readonly seeds: readonly Seed[];
  /** A request that no repository satisfies, with its position. */
  readonly unknownSeed: Seed & Required<Pick<Seed, 'position'>>;
  /** A context that can fetch and verify all these repositories. */
  readonly ctx: BuildContext;
  /** The same context with another signal. */
  contextWith(signal: AbortSignal): BuildContext;
  /** Absolute path of the file of a package of `repository`. */
  packageFile(pkg: PackageRecord): string;
  /** Absolute paths that `unpack` of the closure of `seeds` must bring into a tree, as regular files. */
  readonly unpackedFiles: readonly string[];
  /**
   * What a second and simple reader of the repository, which shares no code with the provider, finds wrong with a closure as the answer to
   * seeds, a line each. Every closure of the suite is shown to it; without it only what closures say of themselves is checked.
   */
  faultsOf?(seeds: readonly Seed[], closure: Closure): readonly string[] | Promise<readonly string[]>;
  close(): Promise<void>;
}

const FINGERPRINT = /^[0-9A-F]{40,64}$/;

/**
 * Declares the tests that every {@link Provider} must pass: repositories fail closed, records are sound and unique, resolution is a
 * function of its request, packages are verified, the installer is given exactly what was resolved, and twins stand for their packages.
 *
 * @param name names the suite.
 * @param makeFixture makes a fixture; called once a test.
 */
export function describeProvider(name: string, makeFixture: () => Promise<ProviderFixture>, api: TestApi): void {
  const { describe, expect } = api;
  const it = (title: string, body: (fixture: ProviderFixture) => Promise<void>): unknown =>
    api.it(title, async () => {
      const fixture = await makeFixture();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });

  describe(`provider conformance: ${name}`, () => {
    describe('a snapshot', () => {
      it('pins the repository as plain data', async (fixture) => {
        const snapshot = await pin(fixture);
        expect(throughJson(snapshot)).toEqual(snapshot);
        expect(snapshot.repository).toEqual(fixture.repository);
        expect(isSha256Digest(snapshot.root.digest)).toEqual(true);
        expect([snapshot.root.sizeBytes, snapshot.root.dateSeconds].map(isPositiveInteger)).toEqual([true, true]);
      });

      it('names its signers and its indexes', async (fixture) => {
        const { signers, indexes } = await pin(fixture);
        expect([signers.length > 0, signers.filter((signer) => !FINGERPRINT.test(signer))]).toEqual([true, []]);
        const unsound = indexes.filter(
          ({ path, digest, sizeBytes }) => !isRelative(path) || !isAnyDigest(digest) || !isPositiveInteger(sizeBytes),
        );
        expect([indexes.length > 0, unsound]).toEqual([true, []]);
      });

      it('is the same each time', async (fixture) => {
        expect(await pin(fixture)).toEqual(await pin(fixture));
      });

      for (const flaw of ['changedRoot', 'unknownKey', 'expiredRoot'] as const) {
        it(`is refused for a repository with a flaw: ${flaw}`, async (fixture) => {
          expect(await failureKind(() => pin(fixture, fixture.refused[flaw]))).toEqual('integrity');
        });
      }

      it('stops on a signal', async (fixture) => {
        const ctx = fixture.contextWith(AbortSignal.abort());
        expect(await fails(() => fixture.provider.metadata.snapshot(fixture.repository, fixture.arch, ctx))).toEqual(true);
      });
    });

    describe('packages', () => {
      it('are complete records of this repository', async (fixture) => {
        const records = await recordsOf(fixture);
        expect([records.length >= 3, records.filter((record) => !isSound(record, fixture.repository.id))]).toEqual([true, []]);
        expect(throughJson(records)).toEqual(records);
      });

      it('occur once each', async (fixture) => {
        expect(repeated((await recordsOf(fixture)).map(({ name, version, arch }) => `${name} ${version} ${arch}`))).toEqual([]);
      });

      it('come in the same order each time', async (fixture) => {
        expect(await recordsOf(fixture)).toEqual(await recordsOf(fixture));
      });

      it('are read from a snapshot that was stored', async (fixture) => {
        const stored = throughJson(await pin(fixture)) as Snapshot;
        expect(await recordsOf(fixture, stored)).toEqual(await recordsOf(fixture));
      });

      it('are refused when an index is not what the signed root says', async (fixture) => {
        const read = async (): Promise<unknown> => recordsOf(fixture, await pin(fixture, fixture.refused.changedIndex));
        expect(await failureKind(read)).toEqual('integrity');
      });

      it('have a file name of their own, without a directory', async (fixture) => {
        const names = (await recordsOf(fixture)).map((record) => fixture.provider.fileName(record));
        expect(repeated(names)).toEqual([]);
        expect(names.filter((file) => !isFileName(file))).toEqual([]);
      });
    });

    describeCatalogue(it, api);

    describe('a resolution', () => {
      it('is a closure: everything that a member requires is a member', async (fixture) => {
        const { packages } = await closureOf(fixture);
        const ids = new Set(packages.map(({ id }) => id));
        expect(
          packages.flatMap(({ id, requires }) => requires.filter((other) => !ids.has(other)).map((other) => `${id}: ${other}`)),
        ).toEqual([]);
        expect(packages.length > 1).toEqual(true);
      });

      it('lists each package once, sorted, under name:arch, or beside that under name:arch=version', async (fixture) => {
        const { packages } = await closureOf(fixture);
        const ids = new Set(packages.map(({ id }) => id));
        expect(
          packages.filter(({ id, name: own, version, arch }) => {
            const plain = `${own}:${arch}`;
            return id !== plain && !(id === `${plain}=${version}` && ids.has(plain));
          }),
        ).toEqual([]);
        expect(ids.size).toEqual(packages.length);
        expect(isSorted(packages.map(({ id }) => id))).toEqual(true);
        expect(packages.filter(({ requires, requestedBy }) => !isSorted(requires) || !isSorted(requestedBy))).toEqual([]);
      });

      it('takes records as the repository has them', async (fixture) => {
        const known = new Set((await recordsOf(fixture)).map(identity));
        expect((await closureOf(fixture)).packages.filter((pkg) => !known.has(identity(pkg)))).toEqual([]);
      });

      it('says for each package what asked for it', async (fixture) => {
        const { packages } = await closureOf(fixture);
        const reasons = new Set(fixture.seeds.map(({ reason }) => reason));
        const requires = new Map(packages.map((pkg) => [pkg.id, new Set(pkg.requires)]));
        const unexplained = packages.filter(
          ({ id, requestedBy }) => requestedBy.length === 0 || !requestedBy.every((by) => reasons.has(by) || requires.get(by)?.has(id)),
        );
        expect(unexplained).toEqual([]);
      });

      it('names members that a seed asked for, when it says what was taken for its seeds', async (fixture) => {
        const { packages, answers } = await closureOf(fixture);
        if (answers === undefined) return;
        const reasons = new Map(packages.map(({ id, requestedBy }) => [id, new Set(requestedBy)]));
        expect(Object.values(answers).filter((ids) => !isSorted(ids) || repeated(ids).length > 0)).toEqual([]);
        const unanswered = fixture.seeds.filter(({ request, reason }) => {
          const taken = answers[request] ?? [];
          return taken.length === 0 || !taken.every((id) => reasons.get(id)?.has(reason));
        });
        expect(unanswered).toEqual([]);
      });

      it('is plain data, and the same each time', async (fixture) => {
        const resolution = await resolve(fixture, fixture.seeds);
        expect(throughJson(resolution)).toEqual(resolution);
        expect(await resolve(fixture, fixture.seeds)).toEqual(resolution);
      });

      it('does not depend on the order of the seeds', async (fixture) => {
        const resolution = await resolve(fixture, fixture.seeds);
        for (const seeds of reorderings(fixture.seeds)) expect(await resolve(fixture, seeds)).toEqual(resolution);
      });

      it('takes no harm from a seed that is given twice', async (fixture) => {
        const { packages } = await closureOf(fixture);
        const twice = await resolve(fixture, [...fixture.seeds, ...fixture.seeds]);
        expect(twice.kind === 'resolved' ? twice.closure.packages.map(identity) : twice).toEqual(packages.map(identity));
      });

      it('fails for an unknown package, with its name and position', async (fixture) => {
        const { unknownSeed, seeds } = fixture;
        const resolution = await resolve(fixture, [...seeds, unknownSeed]);
        expect(resolution.kind).toEqual('unsolvable');
        const problems = resolution.kind === 'unsolvable' ? resolution.problems : [];
        const found = problems.filter(({ position, message }) => position !== undefined && message.includes(unknownSeed.request));
        expect(found.map(({ position }) => position)).toEqual([unknownSeed.position]);
      });

      it('stops on a signal', async (fixture) => {
        const snapshot = await pin(fixture);
        const ctx = fixture.contextWith(AbortSignal.abort());
        expect(await fails(() => fixture.provider.resolver.resolve(requestOf(fixture, [snapshot], fixture.seeds), ctx))).toEqual(true);
      });
    });

    describe('the verifier', () => {
      it('accepts the file of each package of a closure', async (fixture) => {
        for (const pkg of (await closureOf(fixture)).packages) {
          expect(await failureKind(() => verify(fixture, fixture.packageFile(pkg), pkg))).toEqual('no failure');
        }
      });

      it('refuses the file of another package', async (fixture) => {
        const [first, second] = (await closureOf(fixture)).packages as [ResolvedPackage, ResolvedPackage];
        expect(await failureKind(() => verify(fixture, fixture.packageFile(second), first))).toEqual('integrity');
      });

      it('refuses another version of the package', async (fixture) => {
        const [pkg] = (await closureOf(fixture)).packages as [ResolvedPackage];
        const other = { ...pkg, version: `${pkg.version}9` };
        expect(await failureKind(() => verify(fixture, fixture.packageFile(pkg), other))).toEqual('integrity');
      });

      for (const [what, bytes] of [
        ['an empty file', ''],
        ['a file that is no package', 'this is a text\n'.repeat(100)],
      ] as const) {
        it(`refuses ${what}`, async (fixture) => {
          const [pkg] = (await closureOf(fixture)).packages as [ResolvedPackage];
          const file = join(fixture.ctx.temporary, 'no-package');
          await writeFile(file, bytes);
          const lie = { ...pkg, digest: digestOf(bytes), sizeBytes: bytes.length };
          expect(await failureKind(() => verify(fixture, file, lie))).toEqual('integrity');
        });
      }
    });

    describeInstaller(it, api, verifiedClosure);
    describeTwins(it, api, verifiedClosure);
  });
}

async function verifiedClosure(fixture: ProviderFixture): Promise<readonly VerifiedPackage[]> {
  return (await closureOf(fixture)).packages.map((pkg) => ({ ...pkg, file: fixture.packageFile(pkg) }));
}

function verify({ provider, repository, ctx }: ProviderFixture, file: string, expected: ResolvedPackage): Promise<void> {
  return provider.verifier.verify(file, expected, repository, ctx);
}

function isSound(record: PackageRecord, repository: string): boolean {
  const { name, version, arch, archive, path, digest, sizeBytes, installedSizeBytes = 1 } = record;
  const texts = [name, version, arch].every((text) => text !== '' && !/[\s/\0]/.test(text));
  const sizes = isPositiveInteger(sizeBytes) && Number.isSafeInteger(installedSizeBytes) && installedSizeBytes >= 0;
  return (
    texts &&
    sizes &&
    (archive === undefined || isArchiveAddress(archive)) &&
    isRelative(path) &&
    isAnyDigest(digest) &&
    record.repository === repository
  );
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** A path below the archive that cannot leave it. */
function isRelative(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..');
}

function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && Buffer.byteLength(name) <= 255;
}
