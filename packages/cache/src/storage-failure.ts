import { isDiskFull, isRefusal, systemErrorOf } from '@ict/integrity';
import { cacheError } from './errors.js';

/** What was being written, for the message of a failure. */
export interface Writing {
  /** In the user's words: `package dash 0.5.12-2`. */
  readonly what: string;
  readonly directory: string;
  readonly neededBytes?: number;
}

/** What says that a part of the path is no directory. */
const notDirectory = new Set(['ENOTDIR', 'EEXIST', 'ELOOP']);

/**
 * Our error for what the system refused while writing: a full disk, missing permission, a disk in trouble. Any other failure as it is, and that
 * something is gone: the directory was removed by hand meanwhile.
 */
export function storageFailure(error: unknown, writing: Writing): unknown {
  const reason = systemErrorOf(error);
  if (reason === undefined || reason === 'ENOENT') return error;
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
  const uid = process.geteuid?.();
  return cacheError('ICT_CACHE_UNWRITABLE', {
    message: `The cache directory ${directory} cannot be written by user ${uid ?? 'of this process'}: ${reason}${placeOf(error, directory)}`,
    hint: remedyOf(reason, error),
    facts: { ...facts, uid },
    cause: error,
  });
}

function remedyOf(reason: string, error: unknown): string {
  if (isRefusal(error)) return 'Choose another --cache-dir, or change its owner.';
  if (notDirectory.has(reason))
    return 'A part of the path is a file, or a link that leads nowhere: remove that, or choose another --cache-dir.';
  return 'Check the disk or file server below it, or choose another --cache-dir.';
}

/** Where below the directory the system refused, if it says so. */
function placeOf(error: unknown, directory: string): string {
  const { path } = error as NodeJS.ErrnoException;
  return path?.startsWith(`${directory}/`) === true ? ` at ${path}` : '';
}
