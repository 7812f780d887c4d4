import { isDiskFull } from '@ict/integrity';
import { cliError } from './errors.js';

/**
 * `ICT_CLI_FILE_UNWRITABLE`: that a file which the user named cannot be written, and what helps.
 *
 * @param reason what says so; default: what the system said.
 */
export function unwritableFile(file: string, cause: unknown, reason?: string): Error {
  const said = reason ?? (cause as NodeJS.ErrnoException).code ?? String(cause);
  const full = isDiskFull(cause) || /no space left|quota exceeded/i.test(said);
  return cliError('ICT_CLI_FILE_UNWRITABLE', {
    message: `${file} cannot be written: ${full ? 'its disk is full' : said}`,
    hint: full ? 'Free space there, or choose another file.' : 'Choose another file, or run as a user who may write it.',
    facts: { file },
    cause,
  });
}
