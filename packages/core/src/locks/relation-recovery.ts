import { isIctError, type ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from './lock.js';
import type { Favour } from './lock-update.js';
import type { SettledLock } from './lock-settling.js';
import { recallRelations, rememberRelations, statedRelations, type KnownRelation } from '../questions/package-relations.js';
import { openPinned, readPinned } from '../repositories/pinned-metadata.js';
import { resolveRequest } from './resolution.js';
import type { Services } from '../services.js';
import type { Intake } from '../templates/template-intake.js';

/**
 * The relations behind a lock, in the packages' own words: those that are remembered, else what a resolution over the state that the lock
 * pins says of the same packages, which is then remembered. Where that state cannot be had, a warning says so and the lock's own word counts,
 * which is only that there is a relation.
 */
export async function relationsBehind(
  { lock, request, file }: Pick<SettledLock, 'lock' | 'request' | 'file'>,
  { spec, distribution, provider }: Pick<Intake, 'spec' | 'distribution' | 'provider'>,
  services: Pick<Services, 'context' | 'mirrors'>,
): Promise<readonly KnownRelation[]> {
  const { context } = services;
  const known = await recallRelations(lock, context.memo);
  if (known !== undefined) return known;
  const stated = statedRelations(lock);
  // Locks of an earlier version do not say from what they were made.
  if (lock.repositories.some(({ indexes }) => indexes === undefined)) return stated;
  try {
    const question = { arch: spec.target.arch, provider: provider.part };
    const pinned = await openPinned(request.repositories, lock.repositories, file, question, services);
    const again = await readPinned(pinned, (snapshots) =>
      resolveRequest({ request, spec, distribution, snapshots, favour: keepAll(lock) }, provider, context),
    );
    const same = sameAs([...lock.packages, ...lock.tools], [...again.packages, ...again.tools]);
    const relations = [...again.relations.filter(({ from, to }) => same.has(from) && same.has(to)), ...stated];
    if (again.relations.length > 0) await rememberRelations(lock, relations, context.memo);
    return relations;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isIctError(error)) throw error;
    const { code, message, hint } = error;
    const warning = { type: 'warning' as const, code, message: `relations are told without their own words: ${message}` };
    context.emit(hint === undefined ? warning : { ...warning, hint });
    return stated;
  }
}

/** Every package of a lock in its version. */
function keepAll(lock: Lock): Favour {
  const keep = (packages: readonly ResolvedPackage[]) => packages.map(({ name, version }) => ({ name, version }));
  return { image: keep(lock.packages), tools: keep(lock.tools) };
}

/** Ids of packages that both have in one version. */
function sameAs(locked: readonly ResolvedPackage[], found: readonly ResolvedPackage[]): ReadonlySet<string> {
  const versions = new Map(locked.map(({ id, version }) => [id, version]));
  return new Set(found.filter(({ id, version }) => versions.get(id) === version).map(({ id }) => id));
}
