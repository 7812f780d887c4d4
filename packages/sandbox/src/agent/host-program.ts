import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { OutputTail } from '../output-tail.js';

/** How a program of the host ended. `status` is its exit status, or 128 and the signal's number. */
export interface ProgramEnd {
  readonly status: number;
  /** The last 16 KiB of its standard error. */
  readonly stderr: string;
}

/** Environment of every program of the host: nothing of the user's, so that locale and loader settings change nothing. */
export function hostEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', LIBMOUNT_FORCE_MOUNT2: 'always' };
}

/**
 * Runs a program of the host to its end, inside the agent's namespaces. Its standard output is dropped.
 *
 * @throws Node's own error when it cannot be started.
 */
export function runHostProgram(argv: readonly string[], options: { readonly cwd?: string } = {}): Promise<ProgramEnd> {
  const [program, ...rest] = argv as readonly [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: options.cwd ?? '/', env: hostEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
    const tail = new OutputTail(16 * 1024);
    child.stderr.on('data', (chunk: Buffer) => tail.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: exitStatus(code, signal), stderr: tail.text().trim() }));
  });
}

/** What a shell would call the exit status: the code, or 128 and the number of the signal that ended the program. */
export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0));
}
