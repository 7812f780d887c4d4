import { unreadText, type Unread } from '@ict/cache';
import type { Session } from './session.js';

/** Says which parts of cache and work directory a command could not look at, while it went on with the rest: the first, and how many. */
export function warnUnread(session: Session, unread: readonly Unread[], left = 'It is left out'): void {
  const message = unreadText(unread);
  if (message === undefined) return;
  session.warn({
    code: 'ICT_CACHE_UNREADABLE',
    message,
    hint: `${left}. Check the disk or file server below it, and who may read it; --json lists all.`,
  });
}
