import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { archiveError } from './errors.js';

const MAX_STDERR = 4096;

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

  /** @param fail makes the error for a status other than 0, from what the program said. */
  constructor(program: string, args: readonly string[], fail: (reason: string) => Error) {
    super({ highWaterMark: 256 * 1024 });
    this.#fail = fail;
    // Nothing of the caller's environment: XZ_OPT, BZIP2 and the like would change what the program does.
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' } });
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
      this.destroy(
        archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
          message: `${program} could not be started`,
          hint: 'Check that the program works and that the system has resources left.',
          facts: { program },
          cause,
        }),
      );
    });
    this.#child.on('close', (status, signal) => {
      if (status === 0) this.push(null);
      else this.destroy(this.#fail(this.#stderr.trim() || (signal === null ? `exit status ${String(status)}` : `ended by ${signal}`)));
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
