import type { OnReadOpts, Socket } from 'node:net';

/** As many bytes as one piece has, but for the last. What a socket gives at once is less. */
export const PIECE_BYTES = 256 * 1024;

/**
 * What comes out of a socket, in large pieces, each good until the next one is asked for. All share one memory: a stream takes new memory for whatever it
 * reads, which costs as much as the reading.
 */
export class LargePieces implements AsyncIterable<Uint8Array> {
  readonly #memory = Buffer.allocUnsafeSlow(PIECE_BYTES);
  readonly #socket: Socket;
  #filled = 0;
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => undefined;

  /** @param open gives the reading end, which reads as it is told; it is closed by `close`, if not before. */
  constructor(open: (onread: OnReadOpts) => Socket) {
    this.#socket = open({
      // When the memory is full nothing is read into it: the callback said so.
      buffer: () => this.#memory.subarray(this.#filled % PIECE_BYTES),
      callback: (count) => {
        this.#filled += count;
        if (this.#filled < PIECE_BYTES) return true;
        this.#wake();
        return false;
      },
    });
    this.#socket.on('error', (error) => this.#ended({ error }));
    this.#socket.on('close', () => this.#ended({}));
  }

  /** To be iterated once. @throws Node's own error when it cannot be read. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#filled < PIECE_BYTES && this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          this.#socket.resume();
        });
      }
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#filled === 0) return;
      yield this.#memory.subarray(0, this.#filled);
      this.#filled = 0;
    }
  }

  /** Reads no more. */
  close(): void {
    this.#socket.destroy();
  }

  #ended(end: { readonly error?: Error }): void {
    this.#end ??= end;
    this.#wake();
  }
}
