import { withoutCredentials, type PinnedRepository, type ProblemReport, type RepositorySpec, type Seed } from '@ict/plugin-api';
import type { Lock } from './lock.js';
import { askedVersion, asksForVersion, namesOf, seedName } from './request-spelling.js';
import { recordedArchive, type PackageRequest } from './request.js';
import { requestChanges, type RequestPlaces } from './request-changes.js';

/**
 * What of a request a lock was not made for, with its lines. Of a lock of an earlier version, which keeps only the digest of what was
 * asked, as far as that can be read off it: packages that the template asks for, then repositories.
 */
export function lockMisfits(
  { asked, packages, repositories, target }: Lock,
  request: PackageRequest,
  places: RequestPlaces,
): readonly ProblemReport[] {
  if (asked !== undefined && target === request.target) {
    return requestChanges({ ...asked, repositories: renamed(asked.repositories, request.repositories) }, request, places);
  }
  if (target !== request.target) return [misfit(`the lock is of ${target}, and the template of ${request.target}`)];
  const wished = request.image.filter(isPlainName).flatMap((seed): ProblemReport[] => {
    const name = seedName(seed.request);
    const named = packages.filter((pkg) => namesOf(pkg).includes(name));
    if (named[0] === undefined) return [misfit(`no package of the lock is called "${name}"`, seed)];
    // Of a name there may be one for each architecture.
    const locked = named.find(({ requestedBy }) => requestedBy.includes(seed.reason));
    if (locked === undefined) return [misfit(`the lock has "${name}" only because others need it`, seed)];
    if (asksForVersion(seed.request, locked) !== false) return [];
    return [misfit(`the lock has ${name} in version ${locked.version}, not ${askedVersion(seed.request)}`, seed)];
  });
  return [
    ...wished,
    ...(wished.length > 0 ? [] : unasked(packages, request.image)),
    ...repositoryMisfits(renamed(repositories, request.repositories), request.repositories),
  ];
}

/** Packages that the template asked for. Nothing can be said where a request may mean any package. */
function unasked(packages: Lock['packages'], image: readonly Seed[]): readonly ProblemReport[] {
  if (!image.every(isPlainName)) return [];
  const wishes = new Set(image.map((seed) => seedName(seed.request)));
  return packages
    .filter((pkg) => pkg.requestedBy.includes('template') && !namesOf(pkg).some((name) => wishes.has(name)))
    .map(({ name }) => misfit(`the template does not ask for "${name}" any more`));
}

/** Repositories of a lock as they are named now: locks of earlier versions name a directory by where it lay. */
function renamed<R extends Pick<RepositorySpec, 'id' | 'archive'>>(locked: readonly R[], asked: readonly RepositorySpec[]): readonly R[] {
  return locked.map((one) => {
    const now = asked.find(({ id, archive }) => id === one.id && archive === one.archive);
    return now === undefined ? one : { ...one, archive: recordedArchive(now) };
  });
}

function repositoryMisfits(locked: readonly PinnedRepository[], asked: readonly RepositorySpec[]): readonly ProblemReport[] {
  const words = ({ archive, suite, components }: PinnedRepository | RepositorySpec): string =>
    [archive, suite, ...components].filter(Boolean).join(' ');
  const known = new Map(locked.map((repository) => [repository.id, words(repository)]));
  const added = asked.flatMap((repository) => {
    const { id } = repository;
    const before = known.get(id);
    if (before === undefined) return [misfit(`the lock has no repository "${id}"`)];
    // Locks of earlier versions may have passwords in addresses.
    const was = withoutCredentials(before, () => '***');
    const now = words({ ...repository, archive: recordedArchive(repository) });
    return before === now ? [] : [misfit(`repository "${id}" was ${was}, and is ${now}`)];
  });
  const gone = locked.filter(({ id }) => !asked.some((repository) => repository.id === id));
  return [...added, ...gone.map(({ id }) => misfit(`the lock has a repository "${id}", which is not asked any more`))];
}

/** A request that names one package: no pattern, path, group, module or architecture. */
function isPlainName({ request }: Seed): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9+._-]*(?:[=/][^*?[]*)?$/.test(request);
}

function misfit(message: string, { position }: Partial<Pick<Seed, 'position'>> = {}): ProblemReport {
  return { code: 'ICT_LOCK_OUTDATED', message, severity: 'error', ...(position === undefined ? {} : { position }) };
}
