import type { Memo, ProblemReport, ResolvedPackage, Snapshot } from '@ict/plugin-api';
import type { LockOptions } from '../engine-api.js';
import { coreError } from '../errors.js';
import { unknownLayerPackages } from './unknown-layer-packages.js';
import { contentDigest } from './lock-content.js';
import { lockMisfits } from './lock-misfits.js';
import { checkLock } from './lock-shape.js';
import type { Flaw } from './lock-source.js';
import { lockPath, pinnedRepositories, readLock, type Lock } from './lock.js';
import type { Favour } from './lock-update.js';
import { rememberRelations } from '../questions/package-relations.js';
import { pinRepositories } from '../repositories/pinning.js';
import type { CodeIdentity } from '../plugins/code-identity.js';
import { COMPARE, pluginFailure } from '../plugins/plugin-calls.js';
import { specFor } from '../plugins/plugin-view.js';
import { packageRequest, type PackageRequest } from './request.js';
import { resolveRequest } from './resolution.js';
import type { Services } from '../services.js';
import { unmatchedPins } from '../templates/package-pins.js';
import type { Intake } from '../templates/template-intake.js';

/** The lock that a build uses, and where it came from. */
export interface SettledLock {
  readonly lock: Lock;
  readonly request: PackageRequest;
  /** The file that it was read from; undefined when it was resolved afresh. */
  readonly file?: string;
  readonly warnings: readonly ProblemReport[];
}

/**
 * Settles what gets installed: the lock file that the caller names, or the template, or the one beside the template, when it fits; else a fresh resolution.
 *
 * @throws `ICT_LOCK_MISSING`, `ICT_LOCK_OUTDATED`, `ICT_LOCK_UNREADABLE`, `ICT_RESOLVE_UNSOLVABLE`, and what repositories report.
 */
export async function settleLock(
  template: string,
  intake: Intake,
  options: LockOptions,
  services: Pick<Services, 'context' | 'mirrors'>,
): Promise<SettledLock> {
  const { lock, warnings, ...found } = await findLock(template, intake, options, services.context.memo);
  const settled = lock === undefined ? await resolveAfresh(intake, found.request, services) : { lock, ...found, warnings: [] };
  const unknown = await unknownLayerPackages(intake, settled.request, settled.lock, services.context);
  return { ...settled, warnings: [...warnings, ...settled.warnings, ...unknown] };
}

/** The lock file that fits a template, if there is one. */
export interface FoundLock {
  readonly request: PackageRequest;
  readonly lock?: Lock;
  /** The file that the lock was read from. */
  readonly file?: string;
  /** Says when a lock lies beside the template that no longer fits it. */
  readonly warnings: readonly ProblemReport[];
}

/**
 * Looks for the lock file that the caller names, or the template, or the one beside the template. Nothing is fetched.
 *
 * @throws `ICT_LOCK_MISSING` and `ICT_LOCK_OUTDATED` for a lock that was named or must be there, `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`.
 */
export async function findLock(template: string, intake: Intake, options: LockOptions, memo: Memo): Promise<FoundLock> {
  const request = packageRequest(specFor(intake.spec, intake.format.identity), intake.distribution, intake.format.part);
  const named = options.lock ?? intake.spec.lockFile;
  const file = named ?? lockPath(template);
  const isUsual = file === (intake.spec.lockFile ?? lockPath(template));
  const command = `ict lock ${template}${isUsual ? '' : ` --output ${file}`}`;
  const lock = await readLock(file, memo, request.target);
  if (lock === undefined) {
    if (named === undefined && options.frozen !== true) return { request, warnings: [] };
    throw coreError('ICT_LOCK_MISSING', {
      message: `there is no lock file ${file}`,
      hint: `Write it with \`${command}\`.`,
      facts: { file },
    });
  }
  const fits = lock.request === request.digest || lock.request === request.earlierDigest;
  if (fits && lock.target === request.target) return { lock, request, file, warnings: [] };
  // An update keeps what it can of a lock for the same target.
  const update = lock.target === request.target ? `; with \`--update NAME\` only that package moves, and what must` : '';
  const outdated = {
    message: `${file} was made for other packages or repositories than ${template} asks for`,
    hint: `Bring it up to date with \`${command}\`${update}.`,
  };
  if (options.frozen === true || named !== undefined) {
    throw coreError('ICT_LOCK_OUTDATED', { ...outdated, facts: { file }, problems: lockMisfits(lock, request, intake.spec) });
  }
  return { request, warnings: [{ code: 'ICT_LOCK_OUTDATED', ...outdated, severity: 'warning' }] };
}

/**
 * Pins the repositories as they are now, and resolves.
 *
 * @param favour what to keep of an earlier lock.
 */
export async function resolveAfresh(
  intake: Intake,
  request: PackageRequest,
  services: Pick<Services, 'context' | 'mirrors'>,
  favour?: Favour,
): Promise<SettledLock> {
  const { spec, distribution, provider } = intake;
  const { context } = services;
  const snapshots = await pinRepositories(request.repositories, spec.target.arch, provider.part, services.mirrors, context);
  const resolved = await resolveRequest({ request, spec, distribution, snapshots, favour }, provider, context);
  const made: Omit<Lock, 'content'> = {
    lockVersion: 1,
    target: request.target,
    request: request.digest,
    asked: request.record,
    ...(resolved.answers === undefined ? {} : { answers: resolved.answers }),
    repositories: pinnedRepositories(snapshots),
    plugins: { [provider.identity.name]: provider.identity.version },
    packages: withSigners(resolved.packages, snapshots),
    tools: withSigners(resolved.tools, snapshots),
  };
  requireReadable(made, provider.identity);
  const lock: Lock = { ...made, content: contentDigest(made) };
  await rememberRelations(lock, resolved.relations, context.memo);
  const repositories = snapshots.map(({ repository }) => repository);
  return { lock, request: { ...request, repositories }, warnings: [...unmatchedPins(spec, snapshots), ...resolved.warnings] };
}

/**
 * A lock that no later build could read is the fault of who resolved it: its file would be blamed, and writing it anew would not help.
 *
 * @throws `ICT_PLUGIN_FAILED`
 */
function requireReadable(lock: Lock, { name, version }: CodeIdentity): void {
  const refuse = (why: string, { path, cause }: Flaw): Error => {
    const call = path?.[0] === 'repositories' ? 'metadata.snapshot' : 'resolver.resolve';
    return pluginFailure({ name, version }, call, `what it answers makes a lock that cannot be used: ${why}`, COMPARE, cause);
  };
  checkLock({ file: '', refuse }, lock, lock.target);
}

/** Packages with the first of the keys, by fingerprint, that vouch for their repository. */
function withSigners(packages: readonly ResolvedPackage[], snapshots: readonly Snapshot[]): readonly ResolvedPackage[] {
  const signers = new Map(snapshots.map((snapshot) => [snapshot.repository.id, [...snapshot.signers].sort()[0]]));
  return packages.map((pkg) => {
    const signer = signers.get(pkg.repository);
    return signer === undefined ? pkg : { ...pkg, signer };
  });
}
