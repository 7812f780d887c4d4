import { askIfMeant, nearestNames } from '@ict/package-index';
import type { FavouredPackage } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import { readLock, type Lock } from './lock.js';
import { seedName } from './request-spelling.js';
import type { PackageRequest } from './request.js';

/** What a resolution should keep of a lock, for each of its two closures. */
export interface Favour {
  readonly image: readonly FavouredPackage[];
  readonly tools: readonly FavouredPackage[];
}

/**
 * The lock that an update starts from.
 *
 * @throws `ICT_LOCK_MISSING`, `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`, `ICT_LOCK_TARGET`.
 */
export async function lockToUpdate(file: string, template: string, request: PackageRequest): Promise<Lock> {
  const lock = await readLock(file, undefined, request.target);
  if (lock === undefined) {
    throw coreError('ICT_LOCK_MISSING', {
      message: `there is no lock file ${file} to update`,
      hint: `Write it with \`ict lock ${template}\`.`,
      facts: { file },
    });
  }
  if (lock.target !== request.target) {
    throw coreError('ICT_LOCK_TARGET', {
      message: `${file} is a lock for ${lock.target}; ${template} is for ${request.target}`,
      hint: `Write a lock for the new target with \`ict lock ${template}\`.`,
      facts: { file, locked: lock.target, target: request.target },
    });
  }
  return lock;
}

/**
 * Everything of the lock, in its versions, but the named packages in any version. Without names nothing is kept.
 *
 * @param names packages of the lock, by name or id, or packages that the template asks for.
 * @throws `ICT_LOCK_UNKNOWN_PACKAGE` naming every name that is neither.
 */
export function favourLocked(lock: Lock, names: readonly string[], request: PackageRequest): Favour {
  if (names.length === 0) return { image: [], tools: [] };
  const all = [...lock.packages, ...lock.tools];
  const locked = all.flatMap(({ id, name }) => [id, name]);
  const asked = [...request.image, ...request.tools].map((seed) => seedName(seed.request));
  const known = new Set([...locked, ...asked]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw coreError('ICT_LOCK_UNKNOWN_PACKAGE', {
      message: `the lock has no package ${unknown.map((name) => `"${name}"`).join(', ')}`,
      hint: askIfMeant(nearestNames(unknown[0], known)) ?? 'Name packages as the lock file does, without versions.',
      facts: { names: unknown },
    });
  }
  // Of one name all architectures move, because many packages must have one version for all.
  const moving = new Set([...names, ...all.filter(({ id }) => names.includes(id)).map(({ name }) => name)]);
  const keep = (packages: Lock['packages']): readonly FavouredPackage[] =>
    packages.map(({ name, version }) => (moving.has(name) ? { name } : { name, version }));
  return { image: keep(lock.packages), tools: keep(lock.tools) };
}
