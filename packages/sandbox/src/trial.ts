import { execFile } from 'node:child_process';
import { isIctError } from '@ict/plugin-api';
import { AgentChannel } from './channel.js';
import { CHANNEL_DESCRIPTOR, inUserNamespace } from './launch.js';
import { mapIds } from './subordinate-ids.js';

/** Begins names of directories that trials make; what is so called is removed when it is old. */
export const TRIAL_PREFIX = '.ict-host-trial-';

/** Outcome of a program that was run to see whether it works. */
export interface Trial {
  readonly ok: boolean;
  /** Why not: what it printed, or why it could not start. */
  readonly message: string;
}

/** How long a trial may take, in milliseconds. */
export const TRIAL_LIMIT_MS = 60_000;

/**
 * Runs a program of the host, with a minute at most, and waits until it has ended and let go of its output, also when the signal ends it.
 *
 * @throws the signal's reason; a program that fails is a result.
 */
export function tryProgram(argv: readonly string[], path: string, signal?: AbortSignal): Promise<Trial> {
  const [program = '', ...rest] = argv;
  const options = { env: { PATH: path, LC_ALL: 'C' }, timeout: TRIAL_LIMIT_MS, killSignal: 'SIGKILL' as const };
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    // With the signal among its options, it would not wait.
    const stop = (): boolean => child.kill('SIGKILL');
    const child = execFile(program, rest, options, (error, _stdout, stderr) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ ok: error === null, message: error === null ? '' : stderr.trim().split('\n')[0] || error.message });
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Says what the agent says when it can be called. */
const READY = ['sh', '-c', `printf '%s\\n' '{"ready":true}' >&${CHANNEL_DESCRIPTOR}`];

/**
 * Makes a user namespace with mapped ids as a sandbox does, with a minute at most. `unshare --map-auto` is no trial of it: where it is killed
 * before it made the namespace, or may make none, it leaves a helper that waits for ever.
 *
 * @param map maps the ids of the user namespace of a process; default: {@link mapIds}.
 * @throws the signal's reason; a namespace that cannot be made is a result.
 */
export async function tryMappedIds(path: string, signal?: AbortSignal, map = mapIds): Promise<Trial> {
  const limits = [AbortSignal.timeout(TRIAL_LIMIT_MS), ...(signal === undefined ? [] : [signal])];
  try {
    const options = { path, extra: [], mapIds: (pid: number) => map(pid, path), signal: AbortSignal.any(limits) };
    await (await AgentChannel.start(inUserNamespace(READY), options)).close();
    return { ok: true, message: '' };
  } catch (error) {
    signal?.throwIfAborted();
    const message = isIctError(error) ? String(error.facts['reason']) : (error as Error).message;
    return { ok: false, message: message.split('\n')[0] as string };
  }
}
