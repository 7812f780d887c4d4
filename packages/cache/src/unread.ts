import { isNoFile, systemErrorOf } from '@ict/integrity';
import { toErrorRecord } from '@ict/plugin-api';
import { cacheError } from './errors.js';

/** Something that the system did not let be looked at: its disk or file server is in trouble, or this user may not. */
export interface Unread {
  readonly path: string;
  /** What the system said: `EIO`. */
  readonly reason: string;
}

/** Is told what could not be looked at, which is then left out. */
export type Unseen = (path: string, error: unknown) => void;

/** Collects what could not be looked at. */
export function gatherUnread(): { readonly unread: readonly Unread[]; readonly unseen: Unseen } {
  const unread: Unread[] = [];
  return { unread, unseen: (path, error) => void unread.push({ path, reason: reasonOf(error) }) };
}

/** What could not be looked at, in words: the first, and how many more. @returns undefined when there is none. */
export function unreadText([first, ...others]: readonly Unread[]): string | undefined {
  if (first === undefined) return undefined;
  return `${first.path} cannot be read: ${first.reason}${others.length === 0 ? '' : `; nor can ${others.length} more`}`;
}

/** What the system said, in whatever error it is told; else what that error says. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemErrorOf(error) ?? systemErrorOf(cause) ?? toErrorRecord(error).message;
}

/** For those who cannot go on without. @throws `ICT_CACHE_UNREADABLE` */
export const refuseUnread: Unseen = (path, error) => {
  throw unreadable(path, error);
};

/** The error of what could not be looked at and cannot be done without. @returns every other error than the system's as it is. */
export function unreadable(path: string, error: unknown): unknown {
  const reason = systemErrorOf(error);
  if (reason === undefined) return error;
  return cacheError('ICT_CACHE_UNREADABLE', {
    message: `${path} cannot be read: ${reason}`,
    hint: 'Check the disk or file server below it, and who may read it. What can never be read again may be removed by hand.',
    facts: { path, reason },
    cause: error,
  });
}

/**
 * What `look` finds at a path.
 *
 * @returns undefined where nothing is, or no file or directory of the kind that is looked for, and for what `unseen` was told of.
 * @throws every other error than the system's.
 */
export function unlessUnread<T>(path: string | Buffer, unseen: Unseen, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    return tellUnread(path.toString(), unseen, error);
  }
}

/** Likewise, of what is looked for on the thread pool: what to do with its failure. */
export function tellUnread(path: string, unseen: Unseen, error: unknown): undefined {
  if (systemErrorOf(error) === undefined) throw error;
  if (!isNoFile(error)) unseen(path, error);
}
