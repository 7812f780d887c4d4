/**
 * A line that begins a document, or ends one. Nothing else may begin so, not even a line of a text over several lines. As for the parser, a
 * carriage return alone ends no line.
 */
const MARKER = /(?<![^\n])(?:---|\.\.\.)(?=[ \t\r\n]|$)/g;
/** Lines that may stand before the first line of a document: directives, comments, blanks. */
const PREAMBLE = /^(?:[ \t]*(?:#.*)?|%.*|\uFEFF)$/;

/**
 * Divides a stream of YAML into its documents, of which it holds one at a time.
 *
 * @see YAML 1.2.2, section 9.1.2: document markers
 */
export class YamlDocuments {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #onDocument: (text: string) => void;
  readonly #maxLength: number;
  readonly #onTooLong: () => Error;
  /** Whole lines of the document that is being read. */
  #lines: string[] = [];
  #length = 0;
  /** Whether the lines are more than what stands before a document. */
  #begun = false;
  /** Pieces of a line whose end is still to come. */
  #line: string[] = [];
  #lineLength = 0;

  /**
   * @param onDocument is given each document, with its markers and directives, as soon as it is whole.
   * @param limit of a document, in UTF-16 units, and what is thrown above it.
   */
  constructor(onDocument: (text: string) => void, limit: { readonly length: number; readonly error: () => Error }) {
    this.#onDocument = onDocument;
    this.#maxLength = limit.length;
    this.#onTooLong = limit.error;
  }

  /** Takes the next bytes of UTF-8. @throws what `onDocument` throws, and the error of the limit. */
  write(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The end of the stream. */
  end(): void {
    this.#take(this.#decoder.decode());
    this.#scan(this.#wholeLine());
    if (this.#length > 0) this.#give();
  }

  #take(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) {
      const lines = this.#wholeLine() + text.slice(0, end);
      this.#scan(lines);
    }
    if (end === text.length) return;
    this.#line.push(text.slice(end));
    this.#lineLength += text.length - end;
    if (this.#length + this.#lineLength > this.#maxLength) throw this.#onTooLong();
  }

  #wholeLine(): string {
    const line = this.#line.join('');
    this.#line = [];
    this.#lineLength = 0;
    return line;
  }

  /** @param lines whole ones. */
  #scan(lines: string): void {
    let from = 0;
    for (const { index, 0: marker } of lines.matchAll(MARKER)) {
      this.#keep(lines.slice(from, index));
      from = index;
      if (marker === '---') {
        if (this.#begun) this.#give();
        this.#begun = true;
      } else {
        const end = lines.indexOf('\n', index) + 1 || lines.length;
        this.#keep(lines.slice(index, end));
        from = end;
        this.#give();
      }
    }
    this.#keep(lines.slice(from));
  }

  #keep(lines: string): void {
    if (lines === '') return;
    this.#begun ||= !lines.split(/\r?\n/).every((line) => PREAMBLE.test(line));
    this.#lines.push(lines);
    this.#length += lines.length;
    if (this.#length > this.#maxLength) throw this.#onTooLong();
  }

  #give(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#length = 0;
    this.#begun = false;
    this.#onDocument(text);
  }
}
