import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top directory of the workspace. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A failure that needs no stack trace; `status` becomes the exit status. */
export class BootstrapError extends Error {
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

export function say(text) {
  console.log(`\n==> ${text}`);
}

/**
 * Runs a program in the workspace with our own output, and waits for it. Signals that end this process are the program's to
 * handle first.
 *
 * @returns the exit status; with `accept: 'any'` a failure is returned, else thrown.
 */
export async function run(program, args, { accept, env = {} } = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  const forward = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
  try {
    const status = await new Promise((resolve, reject) => {
      child.on('error', (error) => reject(new BootstrapError(`cannot run ${program}: ${error.message}`, 7)));
      child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
    if (status !== 0 && accept !== 'any') throw new BootstrapError(`${[program, ...args].join(' ')} ended with status ${status}`, status);
    return status;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
  }
}

/** {@link run} for a script, under the given Node, which also comes first on PATH; nx runs without daemon and service. */
export function runNode(node, args, options = {}) {
  return run(node, args, {
    ...options,
    env: {
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
      NX_DAEMON: 'false',
      NX_ISOLATE_PLUGINS: 'false',
      NX_TUI: 'false',
      NX_NO_CLOUD: 'true',
      ...options.env,
    },
  });
}
