import { isDeepStrictEqual } from 'node:util';
import { canonicalJson, isAnyDigest, isSha256Digest } from '@ict/integrity';
import { isClimbing } from '@ict/package-index';
import { isArchiveAddress } from '@ict/plugin-api';
import type { IndexRef, Json, PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import type { Lock } from './lock.js';
import { checkAnswers } from './lock-answers.js';
import { checkContent } from './lock-content.js';
import { unreadable, type LockSource } from './lock-source.js';
import { isPackageId } from './request-spelling.js';
import { isRequestRecord, recordDigest, type AskedRepository, type RequestRecord } from './request-record.js';

/**
 * Checks the shape of everything that a build reads of a lock: the file may have been edited or merged by hand.
 *
 * @param expected the target that the lock should be for, where that is known.
 * @throws `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`.
 */
export function checkLock(source: LockSource, value: unknown, expected?: string): Lock {
  if (!isRecord(value)) throw unreadable(source, 'it is empty');
  if (Number.isInteger(value['lockVersion']) && (value['lockVersion'] as number) > 1)
    throw newer(source.file, value['lockVersion'] as number);
  if (value['lockVersion'] !== 1)
    throw unreadable(source, `it has lockVersion ${tellVersion(value['lockVersion'])}`, { path: ['lockVersion'] });
  const { asked, answers, content, target, request, repositories, plugins, packages, tools } = value;
  if (!isText(target) || !/^[\w.-]+$/.test(target)) throw unreadable(source, 'it names no target', { path: ['target'] });
  if (!isSha256DigestText(request)) throw unreadable(source, 'it does not say what was asked', { path: ['request'] });
  if (!Array.isArray(repositories) || !Array.isArray(packages) || !Array.isArray(tools)) {
    const list = ['repositories', 'packages', 'tools'].find((key) => !Array.isArray(value[key]))!;
    throw unreadable(source, `it has no list of ${list}`, { path: [list] });
  }
  if (!isRecord(plugins) || !Object.values(plugins).every(isText)) {
    throw unreadable(source, 'it does not say which plugins resolved it', { path: ['plugins'] });
  }
  const bad = repositories.findIndex((repository) => !isPinned(repository));
  if (bad !== -1 || repositories.length === 0) {
    throw unreadable(source, `repository ${bad + 1} is not complete`, { path: ['repositories', bad] });
  }
  for (const [place, { id, root }] of (repositories as readonly PinnedRepository[]).entries()) {
    if (isPathBelow(root.path)) continue;
    throw unreadable(source, `the root of repository "${id}" leaves its archive`, { path: ['repositories', place, 'root', 'path'] });
  }
  const known = new Set((repositories as readonly PinnedRepository[]).map(({ id }) => id));
  for (const list of ['packages', 'tools'] as const) {
    const ids = new Set<string>();
    for (const [place, pkg] of (value[list] as readonly unknown[]).entries()) {
      const path = [list, place];
      if (!isLockedPackage(pkg) || !known.has(pkg.repository)) {
        throw unreadable(source, `the entry of ${isRecord(pkg) ? plainValue(pkg['id']) : 'a package'} is not complete`, { path });
      }
      if (!isElsewhere(pkg.archive)) {
        throw unreadable(source, `the archive of ${pkg.id} is no address that packages may be fetched from`, {
          path: [...path, 'archive'],
        });
      }
      if (!isPathBelow(pkg.path)) throw unreadable(source, `the path of ${pkg.id} leaves its archive`, { path: [...path, 'path'] });
      const { id, name, version, arch } = pkg;
      if (!id.startsWith(`${name}:`)) throw unreadable(source, `${id} is called "${name}"`, { path: [...path, 'name'] });
      if (id !== `${name}:${arch}` && id !== `${name}:${arch}=${version}`) {
        const key = id.startsWith(`${name}:${arch}=`) ? 'version' : 'arch';
        throw unreadable(source, `${id} is ${key === 'arch' ? `for "${arch}"` : `of version ${version}`}`, { path: [...path, key] });
      }
      if (ids.has(pkg.id)) throw unreadable(source, `${pkg.id} is listed twice`, { path });
      ids.add(pkg.id);
    }
    for (const [place, { id, requires, requestedBy }] of (value[list] as readonly ResolvedPackage[]).entries()) {
      const lost = requires.find((other) => !ids.has(other));
      if (lost !== undefined) throw unreadable(source, `${id} requires ${lost}, which it does not have`, { path: [list, place] });
      const gone = requestedBy.find((other) => isPackageId(other) && !ids.has(other));
      if (gone !== undefined) throw unreadable(source, `${id} is there for ${gone}, which it does not have`, { path: [list, place] });
    }
  }
  try {
    canonicalJson(value as Json);
  } catch (cause) {
    throw unreadable(source, (cause as Error).message, { cause });
  }
  if (asked !== undefined) {
    if (!isRequestRecord(asked)) throw unreadable(source, 'what it says was asked is not complete', { path: ['asked'] });
    if (recordDigest(target, asked) !== request) throw changedRequest(source, { target, asked, request }, expected);
    checkRepositories(source, repositories as readonly PinnedRepository[], asked.repositories);
  }
  if (answers !== undefined) checkAnswers(source, value as unknown as Lock);
  // Last, as all else says what is wrong.
  if (content !== undefined) checkContent(source, value as unknown as Lock);
  return value as unknown as Lock;
}

/** @param expected the target that the lock should be for: it tells whether that alone was changed. */
function changedRequest(
  source: LockSource,
  { target, asked, request }: { readonly target: string; readonly asked: RequestRecord; readonly request: unknown },
  expected: string | undefined,
) {
  if (expected !== undefined && recordDigest(expected, asked) === request) {
    return unreadable(source, `it says that it is for ${target}, and was made for ${expected}`, { path: ['target'] });
  }
  const why = 'its request is not that of its "target" and of what was "asked": one of the three was changed';
  return unreadable(source, why, { path: ['request'] });
}

/** Checks that the repositories are those that were asked for: a request that fits says nothing of what was edited beside it. */
function checkRepositories(source: LockSource, repositories: readonly PinnedRepository[], asked: readonly AskedRepository[]): void {
  const known = new Map(asked.map((repository) => [repository.id, repository]));
  const ids = new Set(repositories.map(({ id }) => id));
  const lost = asked.find(({ id }) => !ids.has(id));
  if (lost !== undefined) {
    throw unreadable(source, `repository "${lost.id}" was asked for, and it does not have that`, { path: ['repositories'] });
  }
  for (const [place, repository] of repositories.entries()) {
    const wanted = known.get(repository.id);
    const path = ['repositories', place];
    if (wanted === undefined) throw unreadable(source, `repository "${repository.id}" was not asked for`, { path });
    for (const key of ['archive', 'suite'] as const) {
      if (repository[key] === wanted[key]) continue;
      throw unreadable(source, `the ${key} of repository "${repository.id}" is not the one that was asked for`, { path: [...path, key] });
    }
    if (!isDeepStrictEqual(repository.components, wanted.components)) {
      const why = `the components of repository "${repository.id}" are not those that were asked for`;
      throw unreadable(source, why, { path: [...path, 'components'] });
    }
  }
}

/** A version that is none, beside what would be one: a quoted number looks like it. */
function tellVersion(value: unknown): string {
  return typeof value === 'string'
    ? `${JSON.stringify(value)}, a text; this version reads the number 1`
    : `${plainValue(value)}; this version reads 1`;
}

/** A value as a message tells it. An object may have a `toString` of its own that is no function. */
function plainValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? '{...}' : String(value);
}

function isPinned(value: unknown): value is PinnedRepository {
  if (!isRecord(value) || !isRecord(value['root'])) return false;
  const { id, archive, suite, components, signers, root, indexes = [] } = value;
  const texts = isText(id) && isText(archive) && typeof suite === 'string' && isTextList(components) && isTextList(signers);
  if (!Array.isArray(indexes) || !indexes.every(isIndex)) return false;
  return texts && isText(root['path']) && isSha256DigestText(root['digest']) && isTime(root['dateSeconds']) && isCount(root['sizeBytes']);
}

function isIndex(value: unknown): value is IndexRef {
  if (!isRecord(value)) return false;
  const { archive, path, byHash, plain, component } = value;
  const paths = [path, ...(byHash === undefined ? [] : [byHash])].every(isPathBelow);
  return (
    paths &&
    isElsewhere(archive) &&
    isContent(value) &&
    (plain === undefined || isContent(plain)) &&
    (component === undefined || isText(component))
  );
}

function isContent(value: unknown): boolean {
  return isRecord(value) && isAnyDigestText(value['digest']) && isCount(value['sizeBytes']);
}

/** Where a file lies that is not in the archive of its repository, if it is said of one. */
function isElsewhere(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && isArchiveAddress(value));
}

/** A path that stays below the archive: no address, and not that of a file. */
function isPathBelow(value: unknown): value is string {
  return isText(value) && !value.startsWith('/') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(value) && !isClimbing(value);
}

function isLockedPackage(value: unknown): value is ResolvedPackage {
  if (!isRecord(value)) return false;
  const { id, name, version, arch, path, repository, sizeBytes, requires, requestedBy, digest } = value;
  const texts = [id, name, version, arch, path, repository].every(isText);
  const { source, maintainer, homepage, summary, signer } = value;
  const described = [maintainer, homepage, summary, signer].every((text) => text === undefined || typeof text === 'string');
  const sourced = source === undefined || (isRecord(source) && isText(source['name']) && isText(source['version']));
  return texts && described && sourced && isCount(sizeBytes) && isTextList(requires) && isTextList(requestedBy) && isAnyDigestText(digest);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isSha256DigestText(value: unknown): boolean {
  return typeof value === 'string' && isSha256Digest(value);
}

/** Also one that a repository stated. */
function isAnyDigestText(value: unknown): boolean {
  return typeof value === 'string' && isAnyDigest(value);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Seconds since 1970 that a date can have. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= 8_640_000_000_000;
}

function newer(file: string, version: number) {
  return coreError('ICT_LOCK_NEWER', {
    message: `lock file ${file} has lockVersion ${version}; this version of ict reads 1`,
    hint: 'Use the version of ict that wrote it, or a newer one.',
    facts: { file, version },
  });
}
