import { isReadFailure } from '@ict/integrity';
import { hasCode, isIctError } from '@ict/plugin-api';
import { sandboxError } from '../errors.js';

/**
 * The error for a layer or archive that cannot be used.
 *
 * @param unread whether nothing is known of what it holds, because the system did not let it be read.
 */
export function layerFailure(what: string, place: string, cause: unknown, unread = isReadFailure(cause)): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return sandboxError('ICT_SANDBOX_LAYER', {
    message: `${what} failed at ${place}: ${reason}`,
    hint: hasCode(cause, 'ICT_ARCHIVE_TAR_NAME')
      ? 'Names of files in an image must be UTF-8: rename that one, or leave it out.'
      : 'Check the free space and build again. What is damaged may be removed by hand: a build makes it anew.',
    facts: { place, reason, ...(unread ? { unread } : {}) },
    cause,
  });
}

/** Runs `work`; errors of the file system become `ICT_SANDBOX_LAYER`. */
export function layerIo<T>(what: string, place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isIctError(error)) throw error;
    throw layerFailure(what, place, error);
  }
}
