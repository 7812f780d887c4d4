import { canonicalJson, digestOf } from '@ict/integrity';
import type { Digest, Json } from '@ict/plugin-api';
import type { Lock } from './lock.js';
import { unreadable, type LockSource } from './lock-source.js';

/**
 * Names what one resolution gave. What was asked is in it by its digest. Fields that later versions add are not, so that this version can
 * read their locks; those of packages and repositories are.
 */
export function contentDigest({ target, request, answers, repositories, plugins, packages, tools }: Omit<Lock, 'content'>): Digest {
  return digestOf(canonicalJson({ target, request, answers, repositories, plugins, packages, tools } as unknown as Json));
}

/**
 * Checks that the lock is what one resolution gave: nothing else tells that a package is gone which was only recommended, or is another than
 * was resolved.
 *
 * @throws `ICT_LOCK_UNREADABLE`
 */
export function checkContent(source: LockSource, lock: Lock): void {
  if (lock.content === contentDigest(lock)) return;
  const why = 'its "content" is not the digest of what it holds: it was edited by hand, or merged, after `ict lock` had written it';
  throw unreadable(source, why, { path: ['content'] });
}
