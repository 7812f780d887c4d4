import { isDiskFull, systemErrorOf } from '@ict/integrity';
import type { EventBody } from '@ict/plugin-api';
import { storageFailure, type Writing } from './storage-failure.js';

/** What a cache does when the file system below it fails: the build goes on, and a warning of each kind says so once. */
export interface StorageTrouble {
  /**
   * Notes that something could not be kept.
   *
   * @throws a full disk, and whatever is no trouble of the file system, as `storageFailure` words it.
   */
  notKept(error: unknown, writing: Writing): void;
  /** Notes that something could not be read, which is then a miss. @throws what is no trouble of the file system. */
  unreadable(error: unknown, path: string): undefined;
}

export function createStorageTrouble(emit: (event: EventBody) => void): StorageTrouble {
  const told = new Set<string>();
  function tell(code: string, message: string, hint: string): void {
    if (told.has(code)) return;
    told.add(code);
    emit({ type: 'warning', code, message, hint });
  }
  return {
    notKept(error, writing) {
      const reason = systemErrorOf(error);
      if (reason === undefined || isDiskFull(error)) throw storageFailure(error, writing);
      const message = `${writing.what} could not be kept in ${writing.directory}: ${reason}`;
      tell('ICT_CACHE_NOT_KEPT', message, 'This build goes on without; the next one makes it again. Check the directory and its disk.');
    },
    unreadable(error, path) {
      const reason = systemErrorOf(error);
      if (reason === undefined) throw error;
      tell(
        'ICT_CACHE_UNREADABLE',
        `${path} cannot be read: ${reason}`,
        'What it has is made again. Check the disk or file server below it.',
      );
    },
  };
}
