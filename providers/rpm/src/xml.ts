import { rpmError } from './errors.js';

/** Attributes of an element, by local name. */
export interface XmlAttributes {
  get(name: string): string | undefined;
}

/** Told of elements as they come. Names are local: without the prefix of a name space. */
export interface XmlHandler {
  /** @returns true when the element's own text is wanted by `close`. */
  open(name: string, attributes: XmlAttributes): boolean;
  /** @param text of the element, entities replaced; empty unless `open` asked for it. */
  close(name: string, text: string): void;
}

/** Largest tag, text or comment; descriptions of real packages have some thousand bytes. */
const MAX_TOKEN = 16 * 2 ** 20;
const MAX_DEPTH = 64;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const GT = 0x3e;
const SLASH = 0x2f;

const isSpace = (code: number): boolean => code === 0x20 || (code >= 9 && code <= 13);

/**
 * Reads an XML document piece by piece, in the part of XML that repositories are written in: elements, attributes, texts, character data,
 * comments and processing instructions. Whatever defines entities (a document type) is refused, as is everything that is not well-formed.
 *
 * Ours, because a library cannot skip what nobody asked for; the tests compare it with one.
 */
export class XmlReader {
  readonly #handler: XmlHandler;
  readonly #source: string;
  readonly #open: string[] = [];
  readonly #wanted: boolean[] = [];
  readonly #texts: string[] = [];
  readonly #attributes = new Attributes();
  #rest = '';
  #seenRoot = false;

  /** @param source names the document in messages. */
  constructor(handler: XmlHandler, source: string) {
    this.#handler = handler;
    this.#source = source;
  }

  /** @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: string): void {
    const text = this.#rest === '' ? chunk : this.#rest + chunk;
    let at = 0;
    for (;;) {
      const start = text.indexOf('<', at);
      if (start < 0) break;
      if (start > at) this.#text(text.slice(at, start));
      const end = this.#markup(text, start);
      if (end < 0) {
        at = start;
        break;
      }
      at = end;
    }
    this.#rest = text.slice(at);
    if (this.#rest.length > MAX_TOKEN) throw this.#invalid('a tag or text is too long');
  }

  /** @throws `ICT_RPM_INDEX_INVALID` when the document is not complete. */
  end(): void {
    if (this.#rest.startsWith('<')) throw this.#invalid('it ends inside a tag');
    this.#text(this.#rest);
    if (this.#open.length > 0) throw this.#invalid(`it ends inside <${this.#open.at(-1)}>`);
    if (!this.#seenRoot) throw this.#invalid('it is empty');
  }

  /** Reads what begins with `<`. @returns where it ends; -1 when that has not come yet. */
  #markup(text: string, start: number): number {
    const second = text[start + 1];
    if (second === undefined) return -1;
    if (second === '/') return this.#endTag(text, start);
    if (second === '?') return after(text, '?>', start + 2);
    if (second !== '!') return this.#startTag(text, start);
    if (text.startsWith('<!--', start)) return after(text, '-->', start + 4);
    if (text.startsWith('<![CDATA[', start)) {
      const end = text.indexOf(']]>', start);
      if (end >= 0) this.#characters(text.slice(start + 9, end));
      return end < 0 ? -1 : end + 3;
    }
    if (text.length - start < 9) return -1;
    throw this.#invalid('it has a document type, which repositories do not need');
  }

  #endTag(text: string, start: number): number {
    const end = text.indexOf('>', start);
    if (end < 0) return -1;
    const name = text.slice(start + 2, end).trimEnd();
    if (name !== this.#open.at(-1)) throw this.#invalid(`</${name.slice(0, 60)}> closes nothing`);
    this.#close();
    return end + 1;
  }

  #close(): void {
    const name = this.#open.pop()!;
    const text = this.#texts.pop()!;
    const wanted = this.#wanted.pop()!;
    this.#handler.close(local(name), wanted ? text : '');
  }

  #startTag(text: string, start: number): number {
    let at = start + 1;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === GT || code === SLASH || isSpace(code)) break;
    }
    const name = text.slice(start + 1, at);
    const attributes = this.#attributes;
    attributes.clear();
    for (;;) {
      while (at < text.length && isSpace(text.charCodeAt(at))) at++;
      if (at >= text.length) return -1;
      if (text.charCodeAt(at) === GT || text.charCodeAt(at) === SLASH) break;
      const equals = text.indexOf('=', at);
      if (equals < 0) return -1;
      const key = text.slice(at, equals).trimEnd();
      let quoteAt = equals + 1;
      while (quoteAt < text.length && isSpace(text.charCodeAt(quoteAt))) quoteAt++;
      if (quoteAt >= text.length) return -1;
      const quote = text[quoteAt]!;
      if ((quote !== '"' && quote !== "'") || !isName(key)) throw this.#invalid(`<${name.slice(0, 60)}> has a malformed attribute`);
      const close = text.indexOf(quote, quoteAt + 1);
      if (close < 0) return -1;
      const value = text.slice(quoteAt + 1, close);
      if (value.includes('<')) throw this.#invalid(`an attribute of <${name.slice(0, 60)}> holds "<"`);
      if (!attributes.add(local(key), this.#decode(value))) throw this.#invalid(`<${name.slice(0, 60)}> has "${key}" twice`);
      at = close + 1;
    }
    const selfClosing = text[at] === '/';
    if (selfClosing && at + 1 >= text.length) return -1;
    if (selfClosing && text[at + 1] !== '>') throw this.#invalid(`<${name.slice(0, 60)}> is malformed`);
    if (!isName(name)) throw this.#invalid('an element has no proper name');
    if (this.#open.length === 0 && this.#seenRoot) throw this.#invalid('something follows its end');
    if (this.#open.length >= MAX_DEPTH) throw this.#invalid('it is nested too deep');
    this.#seenRoot = true;
    this.#open.push(name);
    this.#texts.push('');
    this.#wanted.push(this.#handler.open(local(name), attributes));
    if (selfClosing) this.#close();
    return at + (selfClosing ? 2 : 1);
  }

  #text(raw: string): void {
    if (this.#open.length > 0 && this.#wanted.at(-1) === false && !raw.includes('&')) return;
    this.#characters(this.#decode(raw));
  }

  #characters(text: string): void {
    if (this.#open.length === 0) {
      if (text.trim().replace(/^\uFEFF/, '') !== '') throw this.#invalid('there is text outside of its elements');
      return;
    }
    const depth = this.#texts.length - 1;
    if (this.#wanted[depth] !== true) return;
    this.#texts[depth] += text;
    if (this.#texts[depth]!.length > MAX_TOKEN) throw this.#invalid('a text is too long');
  }

  #decode(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&([^;&]{0,12};)?/g, (_all, reference: string | undefined) => {
      const character = reference === undefined ? undefined : entity(reference.slice(0, -1));
      if (character === undefined) throw this.#invalid(`"&${(reference ?? '').slice(0, 12)}" is no entity that it may use`);
      return character;
    });
  }

  #invalid(reason: string): Error {
    return rpmError('ICT_RPM_INDEX_INVALID', {
      message: `${this.#source} is no well-formed XML: ${reason}`,
      hint: 'The repository was published with broken metadata; report it to the repository.',
      facts: { document: this.#source, reason },
    });
  }
}

class Attributes implements XmlAttributes {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  clear(): void {
    this.#names.length = 0;
    this.#values.length = 0;
  }

  /** @returns false when the name is there already. */
  add(name: string, value: string): boolean {
    if (this.#names.includes(name)) return false;
    this.#names.push(name);
    this.#values.push(value);
    return true;
  }

  get(name: string): string | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#values[at];
  }
}

function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** Letters, digits and `_:.-`, or anything beyond ASCII; not a digit, dot or hyphen first. */
function isName(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const first = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code === 0x3a || code >= 0x80;
    if (!first && (at === 0 || !((code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e))) return false;
  }
  return text !== '';
}

function local(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function entity(reference: string): string | undefined {
  if (Object.hasOwn(NAMED, reference)) return NAMED[reference];
  const number = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(reference);
  if (number === null) return undefined;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  const allowed = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0x10ffff);
  return allowed && code !== 0xfffe && code !== 0xffff ? String.fromCodePoint(code) : undefined;
}
