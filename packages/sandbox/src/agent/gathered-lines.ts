import type { OutputLine } from '../protocol.js';

/** Lines wait this long for others: as messages of their own they cost either side more than what they say. Nobody sees such a delay. */
const GATHERED_MS = 50;

/** Lines with as many characters wait no longer. */
const GATHERED_CHARACTERS = 64 * 1024;

/** Gathers the lines that a command prints, in their order, into fewer messages. */
export class GatheredLines {
  readonly #send: (lines: readonly OutputLine[]) => Promise<void> | undefined;
  #lines: OutputLine[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Of the newest message, kept or not. */
  #sending: Promise<void> | undefined;

  /** @param send writes one message; its promise is pending while the other side is slow to read. */
  constructor(send: (lines: readonly OutputLine[]) => Promise<void> | undefined) {
    this.#send = send;
  }

  /** @returns a promise while the other side is slow to read. */
  add(lines: readonly OutputLine[]): Promise<void> | undefined {
    for (const line of lines) {
      this.#lines.push(line);
      this.#characters += line[1].length;
    }
    if (this.#characters >= GATHERED_CHARACTERS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHERED_MS);
    return this.#sending;
  }

  /** Sends what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    this.#sending = this.#send(this.#lines);
    this.#lines = [];
    this.#characters = 0;
  }
}
