import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { archiveError } from './errors.js';

const MAX_STDERR = 4096;

/** In a session of its own: Ctrl-C at a terminal is for whoever started the program, who ends it. */
const OUT_OF_THE_TERMINAL = true;

/** @returns the absolute path of a program on a search path (default `PATH`), or undefined. Only absolute directories count. */
export function findProgram(name: string, searchPath: string = process.env.PATH ?? ''): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next directory is tried.
    }
  }
  return undefined;
}

/**
 * Streams bytes through a program's standard input and output. The stream ends only after the program ended with status 0, so
 * what was read is complete; it is killed when the stream is destroyed.
 */
export class ProgramStream extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #fail: (reason: string) => Error;
  #stderr = '';

  /** @param fail makes the error for what the program says of its input. */
  constructor(program: string, args: readonly string[], fail: (reason: string) => Error) {
    super({ highWaterMark: 256 * 1024 });
    this.#fail = fail;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment(), detached: OUT_OF_THE_TERMINAL });
    const { stdin, stdout, stderr } = this.#child;
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(0, MAX_STDERR);
    });
    // A program that stops reading says why by its status, which `close` brings.
    stdin.on('error', () => undefined);
    this.#child.on('error', (cause) => {
      this.destroy(notStarted(program, cause));
    });
    this.#child.on('close', (status, signal) => {
      if (status === 0) this.push(null);
      else this.destroy(failure(program, status, signal, this.#stderr, this.#fail));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill('SIGKILL');
    this.#child.stdin.destroy();
    done(error);
  }
}

/**
 * Feeds a source to a program that writes to an open file itself, at the file's current place.
 *
 * @param options.fail makes the error for what the program says of its input.
 * @throws that error; what the source fails with; the signal's reason; `ICT_ARCHIVE_PROGRAM_FAILED`, also when something kills the program or memory
 *   runs out; an error with the system's code (`ENOSPC`) when the file cannot be written.
 */
export async function runProgramTo(
  program: string,
  args: readonly string[],
  source: AsyncIterable<Uint8Array>,
  descriptor: number,
  { signal, fail }: { readonly signal?: AbortSignal | undefined; readonly fail: (reason: string) => Error },
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(program, args, { stdio: ['pipe', descriptor, 'pipe'], env: environment(), detached: OUT_OF_THE_TERMINAL });
  const { stdin, stderr } = child as ChildProcessByStdio<Writable, null, Readable>;
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, MAX_STDERR);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(notStarted(program, cause)));
    child.on('close', (status, killed) => {
      if (status === 0) resolve();
      else reject(failure(program, status, killed, said, fail));
    });
  });
  const fed = pipeline(source, stdin, signal === undefined ? {} : { signal });
  const [end, feeding] = await Promise.allSettled([ended, fed.catch((error: unknown) => failedSource(error, stop))]);
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  for (const outcome of [feeding, end]) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * What a program makes of bytes, waited for: nothing else happens in this process meanwhile.
 *
 * @returns undefined where the program fails, or makes more than `maxBytes`.
 */
export function runProgramAtOnce(program: string, args: readonly string[], bytes: Uint8Array, maxBytes: number): Buffer | undefined {
  const { status, stdout } = spawnSync(program, args, {
    input: bytes,
    maxBuffer: maxBytes,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environment(),
  });
  return status === 0 && stdout.length <= maxBytes ? stdout : undefined;
}

/** A program that reads no further says why by its status; any other failure is the source's own, and ends the program. */
function failedSource(error: unknown, stop: () => void): void {
  if (['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
  stop();
  throw error;
}

/** Nothing of the caller's: XZ_OPT, BZIP2 and the like would change what a program does. */
function environment(): NodeJS.ProcessEnv {
  return { LC_ALL: 'C', PATH: process.env.PATH ?? '' };
}

/** What programs say in the C locale when the system refuses them something, and what Node calls it. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/Cannot allocate memory|couldn't allocate enough memory/, 'ENOMEM'],
  [/No space left on device/, 'ENOSPC'],
  [/Disk quota exceeded/, 'EDQUOT'],
  [/File too large/, 'EFBIG'],
  [/Input\/output error/, 'EIO'],
];

/** Programs that compress have none above it: the system could not start one, or it found a fault in itself. */
const LAST_STATUS = 2;

/** What a program was given is not wrong because something killed the program, or the system refused it memory or room. */
function failure(
  program: string,
  status: number | null,
  signal: NodeJS.Signals | null,
  said: string,
  fail: (reason: string) => Error,
): Error {
  const reason = said.trim() || `exit status ${String(status)}`;
  if (signal !== null) {
    return archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
      message: `${program} was ended by ${signal}`,
      hint: 'Something killed it, often for lack of memory: see the kernel log, then try again.',
      facts: { program, signal },
    });
  }
  // For damaged input bzip2 ends with 2, and guesses at reasons.
  const code = status === 1 ? REFUSALS.find(([words]) => words.test(said))?.[1] : undefined;
  if (code === 'ENOMEM' || (status ?? 0) > LAST_STATUS) {
    return archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
      message: `${program} failed: ${reason}`,
      hint: code === 'ENOMEM' ? 'Free memory, then try again.' : 'Check that the program works.',
      facts: { program, reason },
    });
  }
  return code === undefined ? fail(reason) : Object.assign(new Error(reason), { code });
}

function notStarted(program: string, cause: Error): Error {
  return archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
    message: `${program} could not be started`,
    hint: 'Check that the program works and that the system has resources left.',
    facts: { program },
    cause,
  });
}
