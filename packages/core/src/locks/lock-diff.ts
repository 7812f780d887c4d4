import type { LockChanges, LockedVersion, PackageChange, PinnedRepository, RepositoryChange, ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from './lock.js';

/**
 * What changes when one lock takes the place of another: repositories whose signed root is another, and packages that are new, gone, or
 * of another version, content or repository. Image before tools, each sorted by id.
 *
 * @param before undefined when there was no lock: everything is new.
 */
export function compareLocks(before: Lock | undefined, after: Lock): LockChanges {
  return {
    repositories: repositoryChanges(before?.repositories ?? [], after.repositories),
    packages: [
      ...packageChanges('image', before?.packages ?? [], after.packages),
      ...packageChanges('tools', before?.tools ?? [], after.tools),
    ],
  };
}

function packageChanges(
  part: PackageChange['part'],
  before: readonly ResolvedPackage[],
  after: readonly ResolvedPackage[],
): readonly PackageChange[] {
  // Of several versions of one name, those that stay are told apart before ids are compared: the highest has the id without a version.
  const [had, has] = [new Set(before.map(contentOf)), new Set(after.map(contentOf))];
  const left = before.filter((pkg) => !has.has(contentOf(pkg)));
  const came = after.filter((pkg) => !had.has(contentOf(pkg)));
  return pairs(left, came).map(
    ([id, old, now]): PackageChange => ({
      id,
      part,
      ...(old === undefined ? {} : { before: lockedVersion(old) }),
      ...(now === undefined ? {} : { after: lockedVersion(now) }),
    }),
  );
}

function contentOf({ name, version, arch, repository, digest }: ResolvedPackage): string {
  return [name, version, arch, repository, digest].join(' ');
}

function lockedVersion({ version, sizeBytes, repository, digest }: ResolvedPackage): LockedVersion {
  return { version, sizeBytes, repository, digest };
}

function repositoryChanges(before: readonly PinnedRepository[], after: readonly PinnedRepository[]): readonly RepositoryChange[] {
  const state = ({ root }: PinnedRepository) => ({ root: root.digest, date: new Date(root.dateSeconds * 1000).toISOString() });
  return pairs(before, after)
    .filter(([, old, now]) => old?.root.digest !== now?.root.digest)
    .map(([id, old, now]) => ({
      id,
      ...(old === undefined ? {} : { before: state(old) }),
      ...(now === undefined ? {} : { after: state(now) }),
    }));
}

/** Members of two lists side by side, by id, sorted. */
function pairs<T extends { readonly id: string }>(
  before: readonly T[],
  after: readonly T[],
): readonly (readonly [id: string, before: T | undefined, after: T | undefined])[] {
  const old = new Map(before.map((one) => [one.id, one]));
  const now = new Map(after.map((one) => [one.id, one]));
  return [...new Set([...old.keys(), ...now.keys()])].sort().map((id) => [id, old.get(id), now.get(id)]);
}
