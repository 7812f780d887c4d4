import { hasCode, type FixedAdvisory, type LockChanges, type ProblemReport } from '@ict/plugin-api';
import { fixedBy, movedNames, readAdvisories } from '../questions/advisories.js';
import type { LockReport, LockWriteOptions } from '../engine-api.js';
import { unknownLayerPackages } from './unknown-layer-packages.js';
import { compareLocks } from './lock-diff.js';
import { resolveAfresh, settleLock } from './lock-settling.js';
import { favourLocked, lockToUpdate } from './lock-update.js';
import { lockPath, readLock, toolsAlone, writeLock, type Lock } from './lock.js';
import { openPinned } from '../repositories/pinned-metadata.js';
import { specFor } from '../plugins/plugin-view.js';
import { packageRequest, type PackageRequest } from './request.js';
import type { Services } from '../services.js';
import type { Intake } from '../templates/template-intake.js';

/**
 * Writes the lock of a template, or says what it would write.
 *
 * @throws `ICT_LOCK_*` for a lock that was to be checked or updated and cannot be; `ICT_RESOLVE_UNSOLVABLE`, and what repositories report.
 */
export async function makeLock(
  template: string,
  intake: Intake,
  options: LockWriteOptions,
  services: Pick<Services, 'context' | 'mirrors'>,
): Promise<{ readonly report: LockReport; readonly warnings: readonly ProblemReport[] }> {
  const file = options.output ?? intake.spec.lockFile ?? lockPath(template);
  const report = (lock: Lock, before: Lock | undefined, written: boolean): LockReport => ({
    file,
    written,
    first: before === undefined,
    packages: lock.packages.length,
    tools: toolsAlone(lock).length,
    changes: compareLocks(before, lock),
  });
  if (options.frozen === true) {
    const { lock, warnings } = await settleLock(template, intake, { lock: file, frozen: true }, services);
    return { report: report(lock, lock, false), warnings };
  }
  const { spec, distribution, format } = intake;
  const request = packageRequest(specFor(spec, format.identity), distribution, format.part);
  const before = options.update === undefined ? await lockBefore(file, request.target) : await lockToUpdate(file, template, request);
  const favour = options.update === undefined || before === undefined ? undefined : favourLocked(before, options.update, request);
  const fresh = await resolveAfresh(intake, request, services, favour);
  const { lock } = fresh;
  const warnings = [...fresh.warnings, ...(await unknownLayerPackages(intake, request, lock, services.context))];
  const written = options.dryRun !== true && (await writeLock(file, lock));
  const made = report(lock, before, written);
  if (before === undefined) return { report: made, warnings };
  const advisories = await advisoriesOf(made.changes, before, lock, intake, request, services);
  return { report: advisories === undefined ? made : { ...made, changes: { ...made.changes, advisories } }, warnings };
}

/** What the changed versions mend, over the repositories as the new lock pins them. */
async function advisoriesOf(
  changes: LockChanges,
  before: Lock,
  lock: Lock,
  { spec, distribution, provider: { part: provider } }: Intake,
  request: PackageRequest,
  services: Pick<Services, 'context' | 'mirrors'>,
): Promise<readonly FixedAdvisory[] | undefined> {
  if (provider.catalogue?.advisories === undefined) return undefined;
  const names = movedNames(before, changes);
  if (names.size === 0) return [];
  const { arch } = spec.target;
  const { snapshots, context } = await openPinned(request.repositories, lock.repositories, undefined, { arch, provider }, services);
  const found = await readAdvisories({ names, arch, distribution, snapshots, seeds: request.image }, provider, context);
  return found && fixedBy(changes, before, found, provider.resolver);
}

/** The lock that is written over, when it can be compared: one that cannot be read, or is for another target, is simply replaced. */
async function lockBefore(file: string, target: string): Promise<Lock | undefined> {
  try {
    const lock = await readLock(file);
    return lock?.target === target ? lock : undefined;
  } catch (error) {
    if (hasCode(error, 'ICT_LOCK_UNREADABLE')) return undefined;
    throw error;
  }
}
