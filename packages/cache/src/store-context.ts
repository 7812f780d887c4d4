import type { EventBody } from '@ict/plugin-api';
import type { FileDigester } from './piecewise-check.js';
import type { Layout } from './layout.js';
import type { ReadOnlyCaches } from './read-only-caches.js';
import type { ScrubSchedule } from './scrub-schedule.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { UsageJournal } from './usage-journal.js';

/** `signature` trusts a file whose stat signature is unchanged; `full` hashes it each time. */
export type VerificationMode = 'signature' | 'full';

/** What the stores of one cache share. */
export interface StoreContext {
  readonly layout: Layout;
  /** Now, seconds since 1970. */
  readonly clock: () => number;
  readonly emit: (event: EventBody) => void;
  readonly mode: VerificationMode;
  readonly journal: Pick<UsageJournal, 'note'>;
  readonly isScrubDue: ScrubSchedule;
  /** Asked for what this cache does not have. */
  readonly readOnly: ReadOnlyCaches;
  readonly trouble: StorageTrouble;
  /** Hashes files, perhaps on another thread. */
  readonly digestFile: FileDigester;
  /** Ends what copies a large file. */
  readonly signal: AbortSignal;
}
