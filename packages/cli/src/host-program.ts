import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { cliError } from './errors.js';

/**
 * Runs a program of the host with our environment and `env`; what it prints goes to stderr, so that stdout stays ours.
 *
 * @returns its exit status; 128 and more when a signal ended it, as in a shell.
 * @throws `ICT_CLI_INSTALL_FAILED` when it cannot be started, or the signal's reason.
 */
export function runProgram(argv: readonly string[], env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env }, signal });
    child.on('error', (cause) => {
      const { message } = cause;
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : cliError('ICT_CLI_INSTALL_FAILED', {
              message: `${program} cannot be run: ${message}`,
              hint: 'Install it, or do by hand what it would do.',
              cause,
            }),
      );
    });
    child.on('exit', (code, ended) => resolve(code ?? 128 + (ended === null ? 0 : constants.signals[ended])));
  });
}
