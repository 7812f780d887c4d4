import { stat } from 'node:fs/promises';
import { fromErrorRecord } from '@ict/plugin-api';
import type { Digest, FileRange, Json, PartVerdicts, SignatureOptions, SignatureResult, Verifier } from '@ict/plugin-api';
import { Batches } from './batches.js';
import { pieceCount, type PieceRange } from './piece-digests.js';
import { isPieceRecord, recordSays } from './piece-record.js';
import type { Answer, ClearsignedTask, DetachedTask, DigestTask, PartsTask, TaskName } from './worker.js';

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

function valueOf<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw fromErrorRecord(answer.error);
}

/**
 * The checks, as tasks of `worker.ts`.
 *
 * @param ask has a task done, wherever that is: its name there, and what it is given. It gives what the task does.
 * @param clock now, seconds since 1970.
 * @param partsAtATime how many tasks with parts of packages may be under way.
 */
export function verifierOver(
  ask: (name: TaskName, task: unknown) => Promise<unknown>,
  clock: () => number,
  partsAtATime: number,
): Verifier & PieceVerifier {
  const run = async <T>(name: TaskName, task: unknown): Promise<T> => valueOf((await ask(name, task)) as Answer<T>);
  const parts = new Batches(
    async (tasks: readonly PartsTask[]) => (await ask('checkParts', tasks)) as Answer<PartVerdicts>[],
    partsAtATime,
  );
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
    checkParts: async ({ digests, signature: check }) => {
      const signature =
        check === undefined ? {} : { signature: detachedTask(check.covered, check.signature, check.keyrings, check.options) };
      return valueOf(await parts.add({ digests, ...signature }));
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
  };
}
