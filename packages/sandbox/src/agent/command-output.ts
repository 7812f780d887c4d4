import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf } from '@ict/integrity';
import { LineSplitter } from '../line-splitter.js';
import { OutputTail } from '../output-tail.js';
import type { OutputLine } from '../protocol.js';

const TAIL_BYTES = 256 * 1024;
const LINE_CHARACTERS = 64 * 1024;

/** Standard output rests as long after each reading: programs print line by line, and a line that wakes the agent costs 0.2 ms, whatever it says. */
const REST_MS = 50;
/** Readings without a rest after a rest that may have filled the pipe, so that the command waited: as many at first, twice as many after the next such rest. */
const EAGER_READINGS = 100;
/** Readings of standard output that one of standard error waits for. */
const READINGS_BEFORE = 16;

/** As much as a pipe holds. Each reading is copied out of it before the next. */
const memory = Buffer.allocUnsafeSlow(64 * 1024);

/** A pipe has sixteen pages, into each of which whole writes go: it is full of lines when it holds half of what it could. */
const MAYBE_FULL_BYTES = memory.length / 2;

/** Takes complete lines; no more is read while the promise it returns is pending. */
export type OnLines = (lines: readonly OutputLine[]) => Promise<void> | undefined;

/** Both outputs of a command, read from named pipes. */
export class CommandOutput {
  /** The last of each output, when both have ended. Rejects with Node's own error. */
  readonly ended: Promise<{ readonly stdout: string; readonly stderr: string }>;
  readonly #stdout: ReadOutput;
  readonly #stderr: ReadOutput;
  /** Running while standard output rests. */
  #rest: NodeJS.Timeout | undefined;
  /** Readings without a rest that the last rest led to, and how many of them are left: none, and the next reading is the first one after a rest. */
  #granted = 0;
  #eager = 0;
  #hurried = false;

  /** @param readers descriptors of the reading ends, not blocking; they are closed with the outputs. */
  constructor(readers: { readonly stdout: number; readonly stderr: number }, onLines: OnLines | undefined) {
    this.#stdout = new ReadOutput(readers.stdout, 'stdout', onLines, (bytes) => this.#takeStdout(bytes));
    this.#stderr = new ReadOutput(readers.stderr, 'stderr', onLines, (bytes) => this.#takeStderr(bytes));
    this.ended = Promise.all([this.#stdout.ended, this.#stderr.ended]).then(([stdout, stderr]) => ({ stdout, stderr }));
  }

  /** The command has ended: what it left is read at once. */
  hurry(): void {
    this.#hurried = true;
    this.#endRest();
  }

  close(): void {
    clearTimeout(this.#rest);
    this.#stdout.close();
    this.#stderr.close();
  }

  #takeStdout(bytes: Buffer): boolean {
    if (!this.#stdout.take(bytes)) return false;
    if (this.#hurried) return true;
    if (this.#eager > 0) {
      this.#eager--;
    } else {
      this.#granted = bytes.length >= MAYBE_FULL_BYTES ? Math.max(EAGER_READINGS, 2 * this.#granted) : 0;
      this.#eager = this.#granted;
    }
    if (this.#eager > 0) return true;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#endRest(), REST_MS);
    return false;
  }

  /** What was printed before to standard output comes before it. */
  #takeStderr(bytes: Buffer): boolean {
    this.#stdout.takeWaiting();
    return this.#stderr.take(bytes);
  }

  #endRest(): void {
    if (this.#rest === undefined) return;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#stdout.resume();
  }
}

/** One output. */
class ReadOutput {
  /** The last of it. */
  readonly ended: Promise<string>;
  readonly #descriptor: number;
  readonly #name: OutputLine[0];
  readonly #onLines: OnLines | undefined;
  readonly #socket: Socket;
  readonly #tail = new OutputTail(TAIL_BYTES);
  readonly #splitter = new LineSplitter(LINE_CHARACTERS);
  /** Whether who takes the lines has to be waited for. */
  #waits = false;

  /** @param arrived says whether more is to be read at once; else `resume` has to be called. */
  constructor(descriptor: number, name: OutputLine[0], onLines: OnLines | undefined, arrived: (bytes: Buffer) => boolean) {
    this.#descriptor = descriptor;
    this.#name = name;
    this.#onLines = onLines;
    const onread = { buffer: memory, callback: (count: number) => arrived(copyOf(count)) };
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false, onread });
    this.ended = new Promise((resolve, reject) => {
      let whole = false;
      this.#socket.on('error', reject);
      this.#socket.on('end', () => (whole = true));
      this.#socket.on('close', () => {
        const last = whole ? this.#tell(this.#splitter.end()) : undefined;
        Promise.resolve(last).then(() => resolve(this.#tail.text()), reject);
      });
    });
    this.resume();
  }

  /** @returns whether more may come; else it is read on when who takes the lines is ready. */
  take(bytes: Buffer): boolean {
    this.#tail.push(bytes);
    const telling = this.#onLines === undefined ? undefined : this.#tell(this.#splitter.push(bytes));
    if (telling === undefined) return true;
    this.#waits = true;
    this.#socket.pause();
    telling.then(
      () => {
        this.#waits = false;
        this.resume();
      },
      (error: unknown) => this.#socket.destroy(error as Error),
    );
    return false;
  }

  /** Takes what has come and was not read so far, unless nobody takes it. */
  takeWaiting(): void {
    for (let reading = 0; reading < READINGS_BEFORE && !this.#waits && !this.#socket.destroyed; reading++) {
      const count = readNow(this.#descriptor);
      if (count === 0) return;
      this.take(copyOf(count));
    }
  }

  /** Reads on, unless nobody takes what comes. */
  resume(): void {
    if (!this.#waits) this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #tell(lines: readonly string[]): Promise<void> | undefined {
    return lines.length === 0 ? undefined : this.#onLines?.(lines.map((line): OutputLine => [this.#name, line]));
  }
}

function copyOf(count: number): Buffer {
  return Buffer.from(memory.subarray(0, count));
}

/** Reads what is there into the memory. @returns how many bytes; 0 also where nothing is. */
function readNow(descriptor: number): number {
  try {
    return readSync(descriptor, memory);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}
