import { availableParallelism } from 'node:os';
import type { Verifier } from '@ict/plugin-api';
import type { Piscina } from 'piscina';
import { verifyError } from './errors.js';
import { verifierOver, type PieceVerifier } from './task-verifier.js';
import type { TaskName } from './worker.js';

export interface VerifierOptions {
  /** Upper bound of worker threads; never more than the machine has processors. */
  readonly workers?: number;
  /** Ends waiting checks; they reject with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Now, seconds since 1970: when `atSeconds` is not given, signatures are judged at this time. */
  readonly clock?: () => number;
}

/** What a thread makes is soon gone. With room for all of it, V8 takes new memory instead of collecting, which costs more. */
const YOUNG_MEGABYTES = 3;

/** Loaded with the first check: a build that finds everything verified makes none. */
async function startPool(maxThreads: number): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const filename = new URL('./worker.js', import.meta.url).href;
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MEGABYTES };
  return new Piscina({ filename, minThreads: 1, maxThreads, idleTimeout: Infinity, recordTiming: false, resourceLimits });
}

/**
 * Checks digests and signatures on worker threads. The first check starts the first thread, load starts more (for the parts of packages one
 * fewer than there are processors, as whoever fetches these needs one; what waits for them goes to a thread together), and threads stay until `close()`; idle threads do not keep the process alive.
 *
 * @returns a {@link Verifier}; its methods throw `ICT_VERIFY_READ` for a file that cannot be read, `ICT_VERIFY_WORKER` when
 *   a thread dies or after `close()`, and the signal's reason once it aborts.
 */
export function createVerifier(options: VerifierOptions = {}): Verifier & PieceVerifier & { close(): Promise<void> } {
  const { signal, clock = () => Math.floor(Date.now() / 1000) } = options;
  const processors = availableParallelism();
  const workers = options.workers ?? processors;
  const maxThreads = Math.max(1, Math.min(workers, processors));
  let pool: Promise<Piscina> | undefined;
  let closed = false;

  async function ask(name: TaskName, task: unknown): Promise<unknown> {
    signal?.throwIfAborted();
    if (closed)
      throw verifyError('ICT_VERIFY_WORKER', {
        message: 'The verifier was used after it was closed',
        hint: 'This is a defect: please report it.',
      });
    pool ??= startPool(maxThreads);
    try {
      return await (await pool).run(task, { name, ...(signal === undefined ? {} : { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      throw verifyError('ICT_VERIFY_WORKER', {
        message: `A verification thread failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: 'The machine may be out of memory: lower --workers.',
        facts: { task: name },
        cause,
      });
    }
  }

  // Whoever fetches packages needs a processor for that: a thread on each would be one too many.
  const besideDownloads = Math.max(1, Math.min(workers, processors - 1));

  return {
    ...verifierOver(ask, clock, besideDownloads),
    async close() {
      closed = true;
      const ending = pool;
      pool = undefined;
      await (await ending)?.destroy();
    },
  };
}
