import type { Closure, PackageRecord, RepositorySpec, Resolution, ResolutionRequest, Seed, Snapshot } from '@ict/plugin-api';
import { deepFreeze } from './plain-data.js';
import type { ProviderFixture } from './provider-suite.js';

/** Pins the repository of a fixture, or another one. */
export function pin({ provider, repository, arch, ctx }: ProviderFixture, other: RepositorySpec = repository): Promise<Snapshot> {
  return provider.metadata.snapshot(deepFreeze(other), arch, ctx);
}

/** Every package of a snapshot; default: of the fixture's repository. */
export async function recordsOf(fixture: ProviderFixture, snapshot?: Snapshot): Promise<readonly PackageRecord[]> {
  const records: PackageRecord[] = [];
  for await (const record of fixture.provider.metadata.packages(snapshot ?? (await pin(fixture)), fixture.ctx)) records.push(record);
  return records;
}

/** A request that nobody can change. */
export function requestOf(
  { arch, distribution }: ProviderFixture,
  snapshots: readonly Snapshot[],
  seeds: readonly Seed[],
): ResolutionRequest {
  return deepFreeze({ arch, distribution, snapshots, seeds: [...seeds], essential: false, recommends: false });
}

/**
 * Resolves seeds over the fixture's repository.
 *
 * @throws when the fixture finds a fault in the answer.
 */
export async function resolve(fixture: ProviderFixture, seeds: readonly Seed[]): Promise<Resolution> {
  const resolution = await fixture.provider.resolver.resolve(requestOf(fixture, [await pin(fixture)], seeds), fixture.ctx);
  const faults = resolution.kind === 'resolved' ? ((await fixture.faultsOf?.(seeds, resolution.closure)) ?? []) : [];
  if (faults.length > 0)
    throw new Error(`the answer to ${seeds.map(({ request }) => request).join(' ')} does not hold: ${faults.join('; ')}`);
  return resolution;
}

/** The closure of the fixture's seeds. */
export async function closureOf(fixture: ProviderFixture): Promise<Closure> {
  const resolution = await resolve(fixture, fixture.seeds);
  if (resolution.kind === 'resolved') return resolution.closure;
  throw new Error(`the seeds of the fixture have no solution: ${resolution.problems.map(({ message }) => message).join('; ')}`);
}

/** The fields that a closure takes from the index unchanged. */
export function identity({ name, version, arch, repository, path, digest, sizeBytes }: PackageRecord): string {
  return JSON.stringify([name, version, arch, repository, path, digest, sizeBytes]);
}
