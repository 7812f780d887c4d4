import { toErrorRecord } from '@ict/plugin-api';
import { createHash } from 'node:crypto';
import type { ContentAlgorithm, Digest, ErrorRecord, FileRange, PartChecks, PartVerdicts, SignatureResult } from '@ict/plugin-api';
import { verifyError } from './errors.js';
import { digestFileSync } from './file-digest.js';
import { createKeyringCache } from './keyring.js';
import { digestPieces, digestWholeAndPieces, type PieceRange } from './piece-digests.js';
import { PartReader, type RangeReader } from './part-reader.js';
import { pieceRecord, type PieceRecord } from './piece-record.js';
import { createReadMemory } from './positioned-file.js';
import { checkClearsigned, checkSignature } from './signature.js';

/** Errors lose their code when they cross a thread, so a task answers with a record. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorRecord };

/** Names of the tasks, which are the exports of this module. */
export type TaskName = 'digestFile' | 'checkParts' | 'digestPiecewise' | 'pieceDigests' | 'clearsigned' | 'detached';

export interface ClearsignedTask {
  readonly message: Uint8Array;
  readonly keyrings: readonly Uint8Array[];
  readonly atSeconds: number;
  readonly legacyCrypto: boolean;
}

export interface DigestTask {
  readonly file: string;
  readonly algorithm: ContentAlgorithm;
}

export interface PartsTask {
  readonly digests: PartChecks['digests'];
  readonly signature?: DetachedTask;
}

export interface DetachedTask {
  readonly content: Uint8Array | FileRange;
  readonly signature: Uint8Array;
  readonly keyrings: readonly Uint8Array[];
  readonly atSeconds: number;
  readonly legacyCrypto: boolean;
}

/** This thread's cache of parsed keyrings. */
const keyringOf = createKeyringCache();

/** This thread's memory for pieces of files. */
const memory = createReadMemory();

async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: toErrorRecord(error) };
  }
}

/** Task: digest and size of a file; `ICT_VERIFY_READ` when it cannot be read. */
export function digestFile({ file, algorithm }: DigestTask): Promise<Answer<{ readonly digest: Digest; readonly sizeBytes: number }>> {
  return answer(() => {
    try {
      const { hex, sizeBytes } = digestFileSync(file, algorithm, memory());
      return { digest: `${algorithm}:${hex}` as Digest, sizeBytes };
    } catch (cause) {
      throw unreadable(file, cause);
    }
  });
}

/**
 * Task: for each of several packages digests of parts of files, and a signature; `ICT_VERIFY_READ` when a file cannot be read. One package after the
 * other, as they share this thread's memory.
 */
export async function checkParts(tasks: readonly PartsTask[]): Promise<readonly Answer<PartVerdicts>[]> {
  const answers: Answer<PartVerdicts>[] = [];
  for (const task of tasks) answers.push(await answer(() => partsOf(task)));
  return answers;
}

async function partsOf({ digests, signature }: PartsTask): Promise<PartVerdicts> {
  using reader = new PartReader(memory());
  const found = digestsOf(digests, reader.read);
  return { digests: found, ...(signature === undefined ? {} : { signature: await checkDetached(signature, reader.read) }) };
}

/** Digests of parts of files, in the order in which they are asked for; what is wanted of one part is made of one read. */
function digestsOf(digests: PartChecks['digests'], read: RangeReader): readonly string[] {
  const hashes = digests.map(({ range, algorithm }) => ({ range, hash: createHash(algorithm) }));
  for (const same of Map.groupBy(hashes, ({ range: { file, offset, sizeBytes } }) => `${offset} ${sizeBytes} ${file}`).values()) {
    const { range } = same[0]!;
    try {
      for (const piece of read(range)) for (const { hash } of same) hash.update(piece);
    } catch (cause) {
      throw unreadable(range.file, cause);
    }
  }
  return hashes.map(({ hash }) => hash.digest('hex'));
}

/** Task: SHA-256, size and pieces of a file, from one read; `ICT_VERIFY_READ` when it cannot be read. */
export function digestPiecewise(
  file: string,
): Promise<Answer<{ readonly digest: Digest; readonly sizeBytes: number; readonly pieces: PieceRecord }>> {
  return answer(() => {
    try {
      const { hex, sizeBytes, pieces } = digestWholeAndPieces(file, memory());
      return { digest: `sha256:${hex}` as Digest, sizeBytes, pieces: pieceRecord(sizeBytes, pieces) };
    } catch (cause) {
      throw unreadable(file, cause);
    }
  });
}

/** Task: digests of some pieces of a file; `ICT_VERIFY_READ` when it cannot be read. */
export function pieceDigests(range: PieceRange): Promise<Answer<Uint8Array>> {
  return answer(() => {
    try {
      return digestPieces(range, memory());
    } catch (cause) {
      throw unreadable(range.file, cause);
    }
  });
}

function unreadable(file: string, cause: unknown): Error {
  return verifyError('ICT_VERIFY_READ', {
    message: `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'Check that the file still exists and that you may read it.',
    facts: { file, reason: (cause as NodeJS.ErrnoException).code },
  });
}

/** Task: a clear-signed message; see `checkClearsigned`. */
export function clearsigned(task: ClearsignedTask): Promise<Answer<SignatureResult>> {
  return answer(async () =>
    checkClearsigned(task.message, await Promise.all(task.keyrings.map(keyringOf)), task.atSeconds, task.legacyCrypto),
  );
}

/** Task: a detached signature; see `checkSignature`. */
export function detached(task: DetachedTask): Promise<Answer<SignatureResult>> {
  return answer(async () => {
    using reader = new PartReader(memory());
    return await checkDetached(task, reader.read);
  });
}

async function checkDetached({ content, keyrings, ...task }: DetachedTask, read: RangeReader): Promise<SignatureResult> {
  return checkSignature({ ...task, covered: content, keyrings: await Promise.all(keyrings.map(keyringOf)), read });
}
