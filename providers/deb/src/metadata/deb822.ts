import { debError } from '../errors.js';

/** One paragraph of a deb822 file: fields in their order, found by name in any case. */
export class Stanza {
  /** Line of its first field, from 1. */
  readonly line: number;
  readonly #fields: Map<string, { readonly name: string; readonly lines: string[] }>;

  /** Use {@link parseStanzas} or {@link readStanzas}. */
  constructor(line: number, fields: Map<string, { readonly name: string; readonly lines: string[] }>) {
    this.line = line;
    this.#fields = fields;
  }

  /** Names as they are spelled in the file, in order. */
  names(): string[] {
    return [...this.#fields.values()].map(({ name }) => name);
  }

  /** The whole value: the first line and the continuation lines joined with newlines, or undefined when the field is absent. */
  get(name: string): string | undefined {
    return this.#fields.get(name.toLowerCase())?.lines.join('\n').trim();
  }

  /**
   * Lines of the value, each without its leading space and without trailing white space; the first is what stands beside the name and
   * may be empty. A line that holds only a dot is an empty line. Empty when the field is absent.
   */
  lines(name: string): readonly string[] {
    return this.#fields.get(name.toLowerCase())?.lines ?? [];
  }
}

export interface Deb822Options {
  /** Name of the file, for messages. */
  readonly source?: string;
  /** Lines that begin with `#` are comments: true for files that people write, false for indexes. Default false. */
  readonly comments?: boolean;
}

/** Longest stanza that is read, in characters. The largest in Debian's archives has about 100,000. */
const MAX_STANZA = 16 * 1024 * 1024;

const NAME = /^[!-9;-~]+$/;

/**
 * Parses a whole deb822 text. Tolerates CRLF, blank lines that hold spaces, any number of blank lines, and a missing final newline;
 * of two equal fields in one stanza the first counts.
 *
 * @throws `ICT_DEB_STANZA_INVALID`, with the line number, for a line that is no field and continues none.
 */
export function parseStanzas(text: string, options: Deb822Options = {}): Stanza[] {
  const parser = new Parser(options);
  const stanzas: Stanza[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const stanza = parser.line(text.slice(start, end));
    if (stanza !== undefined) stanzas.push(stanza);
    start = end + 1;
  }
  const last = parser.end();
  if (last !== undefined) stanzas.push(last);
  return stanzas;
}

/**
 * Parses a deb822 stream, one stanza in memory at a time. Bytes that are not UTF-8 become U+FFFD.
 *
 * @throws `ICT_DEB_STANZA_INVALID`; see {@link parseStanzas}. A stanza longer than 16 Mi characters is one, too.
 */
export async function* readStanzas(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: Deb822Options = {},
): AsyncGenerator<Stanza> {
  const parser = new Parser(options);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    parser.bound(rest.length);
    for (const line of lines) {
      const stanza = parser.line(line);
      if (stanza !== undefined) yield stanza;
    }
  }
  rest += decoder.decode();
  const stanza = rest === '' ? undefined : parser.line(rest);
  if (stanza !== undefined) yield stanza;
  const last = parser.end();
  if (last !== undefined) yield last;
}

/** Takes lines; gives a stanza when one ends. */
class Parser {
  readonly #options: Deb822Options;
  #line = 0;
  #length = 0;
  #start = 0;
  #fields = new Map<string, { readonly name: string; readonly lines: string[] }>();
  /** Lines of the open field; of a repeated field they are read and forgotten. */
  #open: string[] | undefined;

  constructor(options: Deb822Options) {
    this.#options = options;
  }

  line(raw: string): Stanza | undefined {
    this.#line++;
    const text = raw.trimEnd();
    if (text === '') return this.end();
    this.#length += raw.length;
    this.bound(0);
    const first = raw[0];
    if (first === '#' && this.#options.comments === true) return undefined;
    if (first === ' ' || first === '\t') {
      if (this.#open === undefined) throw this.#invalid('continues a field that is not there');
      const continuation = text.slice(1);
      this.#open.push(continuation === '.' ? '' : continuation);
      return undefined;
    }
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0));
    if (!NAME.test(name)) throw this.#invalid('is not a field');
    if (this.#fields.size === 0) this.#start = this.#line;
    this.#open = [text.slice(colon + 1).trim()];
    const key = name.toLowerCase();
    if (!this.#fields.has(key)) this.#fields.set(key, { name, lines: this.#open });
    return undefined;
  }

  end(): Stanza | undefined {
    const fields = this.#fields;
    this.#open = undefined;
    this.#length = 0;
    if (fields.size === 0) return undefined;
    this.#fields = new Map();
    return new Stanza(this.#start, fields);
  }

  /** Fails when the open stanza and `more` characters are too many. */
  bound(more: number): void {
    if (this.#length + more > MAX_STANZA) throw this.#invalid(`belongs to a stanza of more than ${MAX_STANZA} characters`);
  }

  #invalid(why: string): Error {
    const source = this.#options.source ?? 'deb822 text';
    return debError('ICT_DEB_STANZA_INVALID', {
      message: `line ${this.#line} of ${source} ${why}`,
      hint: 'Each line is "Name: value", or begins with a space and continues the field above it.',
      facts: { source, line: this.#line },
    });
  }
}
