import { createInterface } from 'node:readline/promises';
import { cliError } from './errors.js';

/** Asks people. */
export interface Prompter {
  /**
   * The answer without blanks around it; `otherwise` for an empty one. Ends with the signal's reason.
   *
   * @throws `ICT_CLI_INPUT` when no answer can come any more
   */
  ask(question: string, otherwise: string, signal: AbortSignal): Promise<string>;
}

/**
 * Asks on a terminal: questions on `output`, answers from `input`.
 *
 * @param stop called for the signal that is due: of Ctrl-C a terminal that is asked on makes none, and one that is closed may end its input before.
 * @param isOpen whether the terminal is still there.
 */
export function terminalPrompter(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  stop: (signal: 'SIGINT' | 'SIGHUP') => void,
  isOpen: () => boolean,
): Prompter {
  return {
    async ask(question, otherwise, signal) {
      const lines = createInterface({ input, output });
      const shown = otherwise === '' ? `${question}: ` : `${question} [${otherwise}]: `;
      const { promise: ended, reject } = Promise.withResolvers<never>();
      const end = (cause?: unknown): void => {
        output.write('\n'); // what follows is not part of the question
        if (isOpen()) reject(unanswered(question, cause));
        else stop('SIGHUP');
      };
      lines.once('close', end).once('error', end);
      lines.on('SIGINT', () => {
        output.write('\n');
        stop('SIGINT');
      });
      try {
        return (await Promise.race([ended, lines.question(shown, { signal })])).trim() || otherwise;
      } finally {
        lines.off('close', end).close();
      }
    },
  };
}

function unanswered(question: string, cause: unknown): Error {
  return cliError('ICT_CLI_INPUT', {
    message: `there is no answer to "${question}": standard input has ended`,
    hint: 'Answer every question, or say it with flags: see `ict init --help`.',
    cause,
  });
}
