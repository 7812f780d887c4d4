import type { Dispatcher } from 'undici';
import type { Pace } from './pace.js';

/** Takes a piece of a body, which is good until it returns. What it throws ends the exchange. */
export type TakePiece = (piece: Uint8Array) => void;

/** The body of an answer, of which nothing is read before somebody asks. */
export interface AnswerBody {
  /**
   * Hands the pieces over as they arrive. Call it once at most.
   *
   * @returns when the body is complete.
   * @throws what `take` throws; the error for a failure of the transport; the signal's reason.
   */
  receive(take: TakePiece): Promise<void>;
  /**
   * Nobody wants what is left, also after `receive`, however that ended: it is read when it is short and comes at once, so that the connection serves
   * again; else the connection ends.
   */
  discard(): void;
}

/** What comes before the body. */
export interface AnswerStart {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AnswerBody;
}

/** Reading more than this takes longer than another connection. */
const DISCARDED_BYTES = 64 * 1024;

/** Waiting for more than this, too. */
const DISCARDING_MS = 1000;

/** Time, as a body is received in it. */
export interface BodyTime {
  /** Milliseconds from any fixed point. */
  now(): number;
  /** Watches how quickly the body comes, from now on. */
  begin(): Pace;
}

/**
 * One exchange of undici, without the streams between its parser and who takes the bytes: for each piece that a socket gives they cost more than to
 * digest and write it.
 */
export class BodyHandler implements Dispatcher.DispatchHandler, AnswerBody {
  /** Resolves when the headers are there; rejects with the error for a failure of the transport, or the signal's reason. */
  readonly started: Promise<AnswerStart>;
  readonly #signal: AbortSignal;
  readonly #errorFor: (failure: Error) => unknown;
  readonly #time: BodyTime;
  readonly #ended: Promise<void>;
  #start!: (start: AnswerStart) => void;
  #end!: () => void;
  #fail!: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #take: TakePiece | undefined;
  /** What ends the exchange, once something does. */
  #failure: { readonly error: unknown } | undefined;
  /** A piece that was taken. */
  #spent: Uint8Array | undefined;

  /** @param errorFor the error for a failure of the transport, which undici tells. */
  constructor(signal: AbortSignal, errorFor: (failure: Error) => unknown, time: BodyTime) {
    this.#signal = signal;
    this.#time = time;
    this.#errorFor = errorFor;
    let failStart: (error: unknown) => void;
    let failEnd: (error: unknown) => void;
    this.started = new Promise((resolve, reject) => {
      this.#start = resolve;
      failStart = reject;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      failEnd = reject;
    });
    this.#ended.catch(() => undefined); // whoever receives the body sees it
    this.#fail = (error) => {
      signal.removeEventListener('abort', this.#abort);
      failStart(error);
      failEnd(error);
    };
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  async receive(take: TakePiece): Promise<void> {
    const pace = this.#time.begin();
    this.#take = (piece) => {
      take(piece);
      pace.note(piece.length);
    };
    if (this.#failure === undefined) this.#controller?.resume();
    else this.#controller?.abort(asError(this.#failure.error));
    await this.#ended.finally(() => pace.end());
  }

  discard(): void {
    let sizeBytes = 0;
    const begunMs = this.#time.now();
    this.#take = (piece) => {
      sizeBytes += piece.length;
      if (sizeBytes > DISCARDED_BYTES || this.#time.now() - begunMs > DISCARDING_MS) throw new Error('nobody wants the rest');
    };
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) controller.abort(asError(this.#failure.error));
  }

  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number, headers: AnswerStart['headers']): void {
    if (statusCode < 200) return;
    controller.pause();
    this.#start({ statusCode, headers, body: this });
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#release();
    // When a connection ends, undici hands over what it holds, of a body that is paused, too: without that piece the rest is of no use. Throwing would
    // not do here: undici asserts then that the exchange goes on.
    if (this.#take === undefined) this.#failure ??= { error: this.#errorFor(new Error('the connection ended before its answer was read')) };
    if (this.#failure !== undefined) return;
    try {
      this.#take?.(piece);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
    this.#spent = piece;
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.#failure === undefined) this.#end();
    else this.#fail(this.#failure.error);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#release();
    this.#fail(this.#failure === undefined ? this.#errorFor(error) : this.#failure.error);
  }

  readonly #abort = (): void => {
    this.#failure ??= { error: this.#signal.reason };
    this.#controller?.abort(asError(this.#signal.reason));
    this.#fail(this.#failure.error);
  };

  /**
   * Gives back the memory of the piece before, of which undici is done by now. V8 sees of it only what it takes outside of the heap, and
   * marks the whole heap each time that this has grown by some megabytes: for 100 MB it did so fifteen times.
   */
  #release(): void {
    const piece = this.#spent;
    this.#spent = undefined;
    // One that shares its memory with others may be followed by them.
    if (piece !== undefined && piece.byteLength === piece.buffer.byteLength) (piece.buffer as ArrayBuffer).transfer(0);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
