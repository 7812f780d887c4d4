import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fromErrorRecord } from '@ict/plugin-api';
import type { Digest, FileRange, Json, PartVerdicts, SignatureOptions, SignatureResult, Verifier } from '@ict/plugin-api';
import type { Piscina } from 'piscina';
import { verifyError } from './errors.js';
import { pieceCount, type PieceRange } from './piece-digests.js';
import { isPieceRecord, recordSays } from './piece-record.js';
import type { Answer, ClearsignedTask, DetachedTask, DigestTask, PartsTask } from './worker.js';

export interface VerifierOptions {
  /** Upper bound of worker threads; never more than the machine has processors. */
  readonly workers?: number;
  /** Ends waiting checks; they reject with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Now, seconds since 1970: when `atSeconds` is not given, signatures are judged at this time. */
  readonly clock?: () => number;
}

/** Digests large files by pieces as well, so that they can be compared again quickly. */
export interface PieceVerifier {
  /** SHA-256 and size of a file, and a record of its pieces for {@link PieceVerifier.samePieces}. */
  digestPiecewise(file: string): Promise<{ readonly digest: Digest; readonly sizeBytes: number; readonly pieces: Json }>;
  /**
   * Whether a file has the content that `pieces` was made from. All of it is read, by all threads; zeros are compared with zeros, all else by
   * SHA-256. False also when `pieces` is none of this version.
   */
  samePieces(file: string, pieces: Json): Promise<boolean>;
}

/** Pieces that one thread digests at a time: 16 MiB. */
const PIECES_PER_TASK = 64;

/** A copy that owns its memory: a view of a large buffer would take all of it along to the worker. */
function compact(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Loaded with the first check: a build that finds everything verified makes none. */
async function startPool(maxThreads: number): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const filename = new URL('./worker.js', import.meta.url).href;
  return new Piscina({ filename, minThreads: 1, maxThreads, idleTimeout: Infinity, recordTiming: false });
}

/**
 * Checks digests and signatures on worker threads. The first check starts the first thread, load starts more, and
 * threads stay until `close()`; idle threads do not keep the process alive.
 *
 * @returns a {@link Verifier}; its methods throw `ICT_VERIFY_READ` for a file that cannot be read, `ICT_VERIFY_WORKER` when
 *   a thread dies or after `close()`, and the signal's reason once it aborts.
 */
export function createVerifier(options: VerifierOptions = {}): Verifier & PieceVerifier & { close(): Promise<void> } {
  const { signal, clock = () => Math.floor(Date.now() / 1000) } = options;
  const maxThreads = Math.max(1, Math.min(options.workers ?? availableParallelism(), availableParallelism()));
  let pool: Promise<Piscina> | undefined;
  let closed = false;

  async function run<T>(name: string, task: unknown): Promise<T> {
    signal?.throwIfAborted();
    if (closed)
      throw verifyError('ICT_VERIFY_WORKER', {
        message: 'The verifier was used after it was closed',
        hint: 'This is a defect: please report it.',
      });
    pool ??= startPool(maxThreads);
    let answer: Answer<T>;
    try {
      answer = (await (await pool).run(task, { name, ...(signal === undefined ? {} : { signal }) })) as Answer<T>;
    } catch (cause) {
      signal?.throwIfAborted();
      throw verifyError('ICT_VERIFY_WORKER', {
        message: `A verification thread failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: 'The machine may be out of memory: lower --workers.',
        facts: { task: name },
        cause,
      });
    }
    if (answer.ok) return answer.value;
    throw fromErrorRecord(answer.error);
  }

  const detachedTask = (
    content: Uint8Array | FileRange,
    signature: Uint8Array,
    keyrings: readonly Uint8Array[],
    { atSeconds = clock(), legacyCrypto = false }: SignatureOptions = {},
  ): DetachedTask => ({
    content: content instanceof Uint8Array ? compact(content) : content,
    signature: compact(signature),
    keyrings: keyrings.map(compact),
    atSeconds,
    legacyCrypto,
  });

  return {
    digestFile: (file, algorithm = 'sha256') => run('digestFile', { file, algorithm } satisfies DigestTask),
    checkParts: ({ digests, signature: check }) => {
      const signature =
        check === undefined ? {} : { signature: detachedTask(check.covered, check.signature, check.keyrings, check.options) };
      const task: PartsTask = { digests, ...signature };
      return run<PartVerdicts>('checkParts', task);
    },
    digestPiecewise: (file) => run('digestPiecewise', file),
    async samePieces(file, pieces) {
      if (!isPieceRecord(pieces)) return false;
      const { zeros } = pieces;
      const size = await stat(file).then(
        (entry) => entry.size,
        () => undefined, // whoever reads it next says why it cannot be read
      );
      if (size !== pieces.sizeBytes) return false;
      const count = pieceCount(size);
      const firsts = Array.from({ length: Math.ceil(count / PIECES_PER_TASK) }, (_, task) => task * PIECES_PER_TASK);
      const parts = await Promise.all(
        firsts.map((first) => {
          const range: PieceRange = { file, first, count: Math.min(PIECES_PER_TASK, count - first), zeros };
          return run<Uint8Array>('pieceDigests', range);
        }),
      );
      return recordSays(pieces, size, parts);
    },
    clearsigned: (message, keyrings, { atSeconds = clock(), legacyCrypto = false } = {}) => {
      const task: ClearsignedTask = { message: compact(message), keyrings: keyrings.map(compact), atSeconds, legacyCrypto };
      return run<SignatureResult>('clearsigned', task);
    },
    detached: (content, signature, keyrings, options) =>
      run<SignatureResult>('detached', detachedTask(content, signature, keyrings, options)),
    async close() {
      closed = true;
      const ending = pool;
      pool = undefined;
      await (await ending)?.destroy();
    },
  };
}
