import { canonicalJson, digestOf } from '@ict/integrity';
import { fileAddress, isIctError } from '@ict/plugin-api';
import type { Context, Digest, IctError, RepositorySpec, ResolvedPackage, VerifiedPackage, Provider } from '@ict/plugin-api';
import { SIGNATURE_POLICY } from '@ict/verify';
import { coreError } from '../errors.js';
import { inParallel } from '../in-parallel.js';
import type { PackageShelf } from './package-shelf.js';
import { reachMirrors, type ListMirrors } from '../repositories/repository-mirrors.js';

export interface DownloadOptions {
  /** How many packages at a time. */
  readonly workers: number;
  /** Nothing may be downloaded. */
  readonly offline: boolean;
  /** Reads the list of mirrors of a repository. */
  readonly list: ListMirrors;
}

/**
 * Makes every package lie verified on this machine: what the cache has is checked before it is used, also against the repository's rules when
 * these are no longer those of then; the rest is downloaded, checked in the worker pool while other downloads go on, and stored. Only an
 * invalid entry is replaced.
 *
 * @param repositories where the packages come from.
 * @returns the packages in the order given.
 * @throws `ICT_PACKAGES_OFFLINE` naming every package that would have to be downloaded; `ICT_PACKAGE_MISMATCH`; what the fetcher throws.
 */
export async function obtainPackages(
  packages: readonly ResolvedPackage[],
  repositories: readonly RepositorySpec[],
  provider: Provider,
  shelf: Pick<PackageShelf, 'lookup' | 'store' | 'vouch'>,
  options: DownloadOptions,
  ctx: Context,
): Promise<readonly VerifiedPackage[]> {
  const { workers, offline } = options;
  const byId = new Map(repositories.map((repository) => [repository.id, repository]));
  const rules = verificationRules(packages, byId, provider);
  const files = new Map<string, string>();
  const missing = new Map<string, ResolvedPackage>();
  await inParallel(uniqueContents(packages), workers, ctx.signal, async (pkg) => {
    const found = await shelf.lookup(pkg);
    if (found.state !== 'hit') return void missing.set(pkg.digest, pkg);
    const held = rules.get(pkg.repository);
    if (held !== undefined && found.rules !== held) {
      await verifyAgain(found.file, pkg, byId.get(pkg.repository) as RepositorySpec, provider, ctx);
      await shelf.vouch(pkg, held);
    }
    files.set(pkg.digest, found.file);
  });
  const downloads = [...missing.values()].sort((a, b) => b.sizeBytes - a.sizeBytes);
  if (offline && downloads.length > 0) throw absent(downloads);
  for (const repository of new Set(downloads.map((pkg) => byId.get(pkg.repository) as RepositorySpec))) {
    await reachMirrors(repository, options.list, ctx);
  }
  ctx.emit({ type: 'fetch.start', files: downloads.length, totalBytes: downloads.reduce((sum, pkg) => sum + pkg.sizeBytes, 0) });
  await inParallel(downloads, workers, ctx.signal, async (pkg) => {
    files.set(pkg.digest, await download(pkg, byId.get(pkg.repository) as RepositorySpec, provider, shelf, rules.get(pkg.repository), ctx));
  });
  return packages.map((pkg) => ({ ...pkg, file: files.get(pkg.digest) as string }));
}

/** Holds a cached package to the rules of today. What they refuse stays: its digest is the repository's, so a download would bring the same. */
async function verifyAgain(
  file: string,
  pkg: ResolvedPackage,
  repository: RepositorySpec,
  { verifier }: Provider,
  ctx: Context,
): Promise<void> {
  const { name, version, digest } = pkg;
  try {
    await verifier.verify(file, pkg, repository, ctx);
  } catch (error) {
    const refused = isIctError(error) && error.kind === 'integrity';
    if (refused) ctx.emit({ type: 'package.invalid', name, version, reason: error.message, check: 'rules' });
    throw error;
  }
  ctx.emit({ type: 'package.verified', name, version, digest, from: 'cache' });
}

async function download(
  pkg: ResolvedPackage,
  repository: RepositorySpec,
  provider: Provider,
  shelf: Pick<PackageShelf, 'store'>,
  rules: Digest | undefined,
  ctx: Context,
): Promise<string> {
  const { name, version, digest, sizeBytes } = pkg;
  const url = fileAddress(repository, pkg);
  const fetched = await ctx.fetch
    .fetch({ url, maxBytes: sizeBytes, expect: { digest, sizeBytes }, progress: true })
    .catch((error: unknown) => {
      throw isIctError(error) && error.code === 'ICT_FETCH_MISMATCH' ? mismatch(pkg, error) : error;
    });
  ctx.emit({ type: 'package.downloaded', name, version, sizeBytes });
  await provider.verifier.verify(fetched.file, pkg, repository, ctx);
  ctx.emit({ type: 'package.verified', name, version, digest });
  return shelf.store(pkg, fetched, rules);
}

/** By id of the repository, a digest of what its packages are held to; none where the digest in metadata says everything. */
function verificationRules(
  packages: readonly ResolvedPackage[],
  repositories: ReadonlyMap<string, RepositorySpec>,
  { verifier }: Provider,
): ReadonlyMap<string, Digest> {
  const rules = new Map<string, Digest>();
  if (verifier.rules === undefined) return rules;
  for (const id of new Set(packages.map(({ repository }) => repository))) {
    const own = verifier.rules(repositories.get(id) as RepositorySpec);
    rules.set(id, digestOf(canonicalJson({ policy: SIGNATURE_POLICY, rules: own })));
  }
  return rules;
}

/** @param failure of the fetcher, which tells addresses only. */
function mismatch({ name, version, repository, path }: ResolvedPackage, failure: IctError): Error {
  return coreError('ICT_PACKAGE_MISMATCH', {
    message: `package ${name} ${version} of repository "${repository}" is not the file that the repository lists: ${failure.message}`,
    hint: 'The mirror may be in the middle of an update, or serves something else: try again later, or name another with --mirror.',
    facts: { ...failure.facts, name, version, repository, path },
    cause: failure,
  });
}

/** All that an offline build lacks, so that one run with a network brings everything. */
function absent(packages: readonly ResolvedPackage[]): Error {
  const names = packages.map(({ name, version }) => `${name} ${version}`).sort();
  const totalBytes = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const one = packages.length === 1;
  return coreError('ICT_PACKAGES_OFFLINE', {
    message: `${packages.length} ${one ? 'package is' : 'packages are'} not in the cache and may not be downloaded offline`,
    hint: 'Run the same command once without --offline, and with the package cache: what it downloads is kept.',
    facts: { packages: names, totalBytes },
    problems: names.map((name) => ({ code: 'ICT_PACKAGES_OFFLINE', message: name, severity: 'error' })),
  });
}

/** Packages by their content, each once. */
export function uniqueContents(packages: readonly ResolvedPackage[]): readonly ResolvedPackage[] {
  return [...new Map(packages.map((pkg) => [pkg.digest, pkg])).values()];
}
