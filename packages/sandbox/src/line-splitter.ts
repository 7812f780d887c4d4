import { StringDecoder } from 'node:string_decoder';

/**
 * Cuts UTF-8 text that arrives in pieces into lines, without their line feeds. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param maxLength longer lines are handed out in pieces of at least this many characters; default: never cut.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxLength: number;
  #pending: string[] = [];
  #pendingLength = 0;

  constructor(maxLength = Infinity) {
    this.#maxLength = maxLength;
  }

  /** @returns the lines that these bytes complete. */
  push(bytes: Buffer): string[] {
    const parts = this.#decoder.write(bytes).split('\n');
    const last = parts.pop() as string;
    const lines: string[] = [];
    for (const part of parts) {
      lines.push(this.#take() + part);
    }
    this.#pending.push(last);
    this.#pendingLength += last.length;
    if (this.#pendingLength >= this.#maxLength) lines.push(this.#take());
    return lines;
  }

  /** @returns what is left after the last line feed, when that is not empty. */
  end(): string[] {
    this.#pending.push(this.#decoder.end());
    const rest = this.#take();
    return rest === '' ? [] : [rest];
  }

  #take(): string {
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    return text;
  }
}
