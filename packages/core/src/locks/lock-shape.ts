import { canonicalJson, isAnyDigest, isSha256Digest } from '@ict/integrity';
import { isClimbing } from '@ict/package-index';
import { isArchiveAddress } from '@ict/plugin-api';
import type { IndexRef, Json, PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import type { Lock } from './lock.js';
import { unreadable, type LockSource } from './lock-source.js';
import type { RequestAnswers } from './request-answers.js';
import { isRequestRecord, recordDigest } from './request-record.js';

/**
 * Checks the shape of everything that a build reads of a lock: the file may have been edited or merged by hand.
 *
 * @throws `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`.
 */
export function checkLock(source: LockSource, value: unknown): Lock {
  if (!isRecord(value)) throw unreadable(source, 'it is empty');
  if (Number.isInteger(value['lockVersion']) && (value['lockVersion'] as number) > 1)
    throw newer(source.file, value['lockVersion'] as number);
  if (value['lockVersion'] !== 1)
    throw unreadable(source, `it has lockVersion ${plainValue(value['lockVersion'])}; this version reads 1`, { path: ['lockVersion'] });
  const { asked, answers, target, request, repositories, plugins, packages, tools } = value;
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
      if (ids.has(pkg.id)) throw unreadable(source, `${pkg.id} is listed twice`, { path });
      ids.add(pkg.id);
    }
    for (const [place, { id, requires, requestedBy }] of (value[list] as readonly ResolvedPackage[]).entries()) {
      const lost = requires.find((other) => !ids.has(other));
      if (lost !== undefined) throw unreadable(source, `${id} requires ${lost}, which it does not have`, { path: [list, place] });
      const gone = requestedBy.find((other) => isId(other) && !ids.has(other));
      if (gone !== undefined) throw unreadable(source, `${id} is there for ${gone}, which it does not have`, { path: [list, place] });
    }
  }
  try {
    canonicalJson(value as Json);
  } catch (cause) {
    throw unreadable(source, (cause as Error).message, { cause });
  }
  if (asked !== undefined && !(isRequestRecord(asked) && recordDigest(target, asked) === request)) {
    throw unreadable(source, 'what it says was asked is not what its request names', { path: ['asked'] });
  }
  if (answers !== undefined) checkAnswers(source, value as unknown as Lock);
  return value as unknown as Lock;
}

/** Checks that everything that was asked has its packages: nothing else tells that one is gone which no other requires. */
function checkAnswers(source: LockSource, lock: Lock): void {
  const { asked, answers } = lock;
  if (!isAnswers(answers)) throw unreadable(source, 'it does not say which packages answer what was asked', { path: ['answers'] });
  if (asked === undefined) throw unreadable(source, 'it has answers, and does not say what was asked', { path: ['answers'] });
  const ids = { image: new Set(lock.packages.map(({ id }) => id)), tools: new Set(lock.tools.map(({ id }) => id)) };
  for (const part of ['image', 'tools'] as const) {
    for (const [place, request] of asked[part].entries()) {
      if (!Object.hasOwn(answers[part], request)) {
        const path = ['asked', part, place];
        throw unreadable(source, `"${request}" was asked for, and it does not say which package answers that`, { path });
      }
      const lost = answers[part][request]!.find((id) => !ids[part].has(id));
      const path = ['answers', part, request];
      if (lost !== undefined) throw unreadable(source, `"${request}" is answered by ${lost}, which it does not have`, { path });
    }
  }
  const lost = answers.essential.find((id) => !ids.image.has(id));
  if (lost !== undefined)
    throw unreadable(source, `${lost} is of the base set, and it does not have that`, { path: ['answers', 'essential'] });
}

function isAnswers(value: unknown): value is RequestAnswers {
  if (!isRecord(value)) return false;
  const { image, tools, essential } = value;
  return isTextList(essential) && [image, tools].every((part) => isRecord(part) && Object.values(part).every(isTextList));
}

/** Whether a package is there for another one, and not for a reason such as `template`. */
function isId(reason: string): boolean {
  return reason.includes(':');
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

/** A path that stays below the archive. */
function isPathBelow(value: unknown): value is string {
  return isText(value) && !value.startsWith('/') && !isClimbing(value);
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
