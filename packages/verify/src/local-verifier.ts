import type { Verifier } from '@ict/plugin-api';
import { verifierOver, type PieceVerifier } from './task-verifier.js';
import type { VerifierOptions } from './verifier.js';
import * as tasks from './worker.js';

/**
 * Checks digests and signatures on the caller's own thread, which does nothing else meanwhile: for programs that wait for the answer anyway. It has
 * the verdicts of `createVerifier`, costs no thread, and needs no closing.
 *
 * @returns a {@link Verifier}; its methods throw `ICT_VERIFY_READ` for a file that cannot be read, and the signal's reason once it aborts.
 */
export function createLocalVerifier(options: Omit<VerifierOptions, 'workers'> = {}): Verifier & PieceVerifier {
  const { signal, clock = () => Math.floor(Date.now() / 1000) } = options;
  const ask = async (name: tasks.TaskName, task: unknown): Promise<unknown> => {
    signal?.throwIfAborted();
    return (tasks[name] as (task: unknown) => Promise<unknown>)(task);
  };
  return verifierOver(ask, clock, 1);
}
