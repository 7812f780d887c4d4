import { errnoOf, isDiskFull } from '@ict/integrity';
import { cacheError } from './errors.js';

const refused = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR']);

/** What was being written, for the message of a failure. */
export interface Writing {
  /** In the user's words: `package dash 0.5.12-2`. */
  readonly what: string;
  readonly directory: string;
  readonly neededBytes?: number;
}

/** Our error for what the system refused while writing: a full disk, missing permission; any other failure as it is. */
export function storageFailure(error: unknown, writing: Writing): unknown {
  const reason = errnoOf(error) ?? '';
  const { what, directory, neededBytes } = writing;
  const facts = { what, directory, reason, ...(neededBytes === undefined ? {} : { neededBytes }) };
  if (isDiskFull(error)) {
    return cacheError('ICT_CACHE_DISK_FULL', {
      message: `No space is left in ${directory} for ${what}${neededBytes === undefined ? '' : ` (${neededBytes} bytes)`}`,
      hint: 'Free space there (any directory of the cache may be removed by hand: `ict cache du` shows the large ones), or choose another --cache-dir.',
      facts,
      cause: error,
    });
  }
  if (refused.has(reason)) {
    const uid = process.getuid?.();
    return cacheError('ICT_CACHE_UNWRITABLE', {
      message: `The cache directory ${directory} cannot be written by user ${uid ?? 'of this process'}: ${reason}`,
      hint: 'Choose another --cache-dir, or change its owner.',
      facts: { ...facts, uid },
      cause: error,
    });
  }
  return error;
}
