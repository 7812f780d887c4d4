import { StringDecoder } from 'node:string_decoder';

const ESCAPE = '\u001b';
/** Longest unfinished escape sequence that is waited for; longer ones are taken as text. */
const LONGEST_ESCAPE = 256;
/** One whole escape sequence at the start of a text: CSI, OSC and its like, or two characters. */
const SEQUENCE = new RegExp(
  `^${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|[\\]P^_X][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)|[ -/]+[0-~]|[0-OQ-WYZ\\\\\`-~])`,
  'u',
);

/**
 * Plain text out of a serial console's bytes: escape sequences and carriage returns are removed, wherever the bytes are cut, and texts
 * are found across those cuts.
 */
export class ConsoleText {
  readonly #decoder = new StringDecoder('utf8');
  readonly #tailLimit: number;
  #pending = '';
  #tail = '';

  /** @param tailLimit characters to keep for {@link tail}, and the longest text that can be found. */
  constructor(tailLimit = 64 * 1024) {
    this.#tailLimit = tailLimit;
  }

  /** The last characters of the plain text. */
  get tail(): string {
    return this.#tail;
  }

  /** Takes the next bytes. @returns the plain text that they add, and the same with enough before it to look for texts. */
  write(bytes: Uint8Array): ConsolePiece {
    const text = this.#strip(this.#pending + this.#decoder.write(Buffer.from(bytes)));
    const before = this.#tail;
    this.#tail = (before + text).slice(-this.#tailLimit);
    return { text, has: (wanted) => (before.slice(Math.max(0, before.length - wanted.length + 1)) + text).includes(wanted) };
  }

  /** Removes whole escape sequences, and keeps one that is not finished for later. */
  #strip(text: string): string {
    let plain = '';
    let rest = text;
    for (;;) {
      const at = rest.indexOf(ESCAPE);
      if (at < 0) break;
      plain += rest.slice(0, at);
      rest = rest.slice(at);
      const length = SEQUENCE.exec(rest)?.[0].length;
      if (length !== undefined) rest = rest.slice(length);
      else if (rest.length < LONGEST_ESCAPE && isUnfinished(rest)) break;
      else rest = rest.slice(1);
    }
    const unfinished = rest.startsWith(ESCAPE);
    this.#pending = unfinished ? rest : '';
    return (unfinished ? plain : plain + rest).replaceAll('\r', '').replaceAll('\0', '');
  }
}

/** What one write added. */
export interface ConsolePiece {
  readonly text: string;
  /** True when `wanted` ends inside this piece, wherever it began. */
  has(wanted: string): boolean;
}

/** True when more characters could still make this the start of an escape sequence. */
function isUnfinished(text: string): boolean {
  return new RegExp(`^${ESCAPE}(?:\\[[0-?]*[ -/]*|[\\]P^_X][^\\u0007${ESCAPE}]*${ESCAPE}?|[ -/]*)$`, 'u').test(text);
}
