import { rpmError } from '../errors.js';
import { TagAttributes } from './xml-attributes.js';
import type { XmlAttributes } from './xml-attributes.js';
import { Utf8Check } from '../package/utf8-check.js';
import { isSame, XmlNames } from './xml-names.js';
import type { XmlName } from './xml-names.js';
import { EntityReplacer, XmlText } from './xml-text.js';

/** Told of elements as they come. Names are local: without the prefix of a name space. */
export interface XmlHandler {
  /** @returns true when the element's own text is wanted by `close`. */
  open(name: string, attributes: XmlAttributes): boolean;
  /** @param text of the element; empty unless `open` asked for it. */
  close(name: string, text: XmlText): void;
  /**
   * Reads a tag without the reader, when the handler knows how it is nearly always written: one that is well-formed, has no content, and would
   * not make `open` and `close` do anything else. Asked for each tag within an element.
   *
   * @returns where the tag ends; -1 to have it read as any other.
   */
  readonly shortcut?: (data: Buffer, start: number) => number;
}

/** Largest tag, text or comment; descriptions of real packages have some thousand bytes. */
const MAX_TOKEN = 16 * 2 ** 20;
const MAX_DEPTH = 64;
const NOTHING = Buffer.alloc(0);
/** Texts between tags are short or not wanted: so many bytes are looked at here before the search of Node takes over, which takes long to begin. */
const SHORT_TEXT = 48;

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const DOUBLE = 0x22;
const SINGLE = 0x27;
const BANG = 0x21;
const QUESTION = 0x3f;
const BRACKET = 0x5b;
/** A document type that only names its description. */
const DOCUMENT_TYPE = /^<!DOCTYPE\s+[^\s"'<>]+(\s+(SYSTEM|PUBLIC\s+("[^"]*"|'[^']*'))\s+("[^"]*"|'[^']*'))?\s*>$/;

const isSpace = (code: number): boolean => code === 0x20 || (code >= 9 && code <= 13);

/**
 * Reads an XML document piece by piece, in the part of XML that repositories are written in: elements, attributes, texts, character data,
 * comments and processing instructions. A document type may name where it is described, as that of comps.xml does, which nobody reads; one that
 * says something itself, such as entities, is refused, as is everything that is not well-formed.
 *
 * Ours, because a library cannot skip what nobody asked for; the tests compare it with one.
 */
export class XmlReader {
  readonly #handler: XmlHandler;
  readonly #source: string;
  readonly #shortcut: XmlHandler['shortcut'];
  readonly #names = new XmlNames();
  readonly #open: XmlName[] = [];
  readonly #wanted: boolean[] = [];
  /** Texts of the elements that are open, by depth; one object serves all elements of a depth. */
  readonly #texts: XmlText[] = [];
  readonly #attributes = new TagAttributes();
  readonly #entities = new EntityReplacer();
  readonly #decoded = new XmlText(NOTHING);
  /** What came and does not end yet. */
  #rest: Buffer = NOTHING;
  /** Bytes of the document before what is read now, and where the tag or text that is read begins in that. */
  #passed = 0;
  #place = 0;
  /** The first ampersand that is not passed yet. */
  #ampersand = -1;
  #seenType = false;
  #seenRoot = false;
  readonly #encoding = new Utf8Check();

  /** @param source names the document in messages. */
  constructor(handler: XmlHandler, source: string) {
    this.#handler = handler;
    this.#source = source;
    this.#shortcut = handler.shortcut;
  }

  /**
   * @param chunk of UTF-8; it may end anywhere, and must not change afterwards.
   * @throws `ICT_RPM_INDEX_INVALID`
   */
  write(chunk: Buffer): void {
    if (!this.#encoding.accepts(chunk)) throw this.#invalid('it is no UTF-8 text');
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#ampersand = -1;
    let at = 0;
    for (;;) {
      const start = nextTag(data, at);
      this.#place = at;
      if (start < 0) break;
      if (start > at) this.#text(data, at, start);
      this.#place = start;
      const end = this.#markup(data, start);
      if (end < 0) {
        at = start;
        break;
      }
      at = end;
    }
    this.#rest = data.subarray(at);
    this.#passed += at;
    this.#place = 0;
    if (this.#rest.length > MAX_TOKEN) throw this.#invalid('a tag or text is too long');
  }

  /** @throws `ICT_RPM_INDEX_INVALID` when the document is not complete. */
  end(): void {
    const rest = this.#rest;
    if (!this.#encoding.isWhole) throw this.#invalid('it is no UTF-8 text');
    if (rest[0] === LT) throw this.#invalid('it ends inside a tag');
    this.#ampersand = -1;
    if (rest.length > 0) this.#text(rest, 0, rest.length);
    if (this.#open.length > 0) throw this.#invalid(`it ends inside <${this.#open.at(-1)!.bytes.toString()}>`);
    if (!this.#seenRoot) throw this.#invalid('it is empty');
  }

  /** Reads what begins with `<`. @returns where it ends; -1 when that has not come yet. */
  #markup(data: Buffer, start: number): number {
    const second = data[start + 1];
    if (second === undefined) return -1;
    if (second === SLASH) return this.#endTag(data, start);
    if (second === QUESTION) return after(data, '?>', start + 2);
    if (second !== BANG) {
      const end = this.#shortcut !== undefined && this.#isWithin() ? this.#shortcut(data, start) : -1;
      return end < 0 ? this.#startTag(data, start) : end;
    }
    const begin = data.toString('latin1', start, start + 9);
    if (begin.startsWith('<!--')) return after(data, '-->', start + 4);
    if (begin === '<![CDATA[') {
      const end = data.indexOf(']]>', start);
      if (end >= 0) this.#characters(data, start + 9, end);
      return end < 0 ? -1 : end + 3;
    }
    if (begin.length < 9) return -1;
    if (begin !== '<!DOCTYPE') throw this.#invalid(`${tagAt(data, start)} is malformed`);
    return this.#documentType(data, start);
  }

  /** @returns where the document type ends; -1 when that has not come yet. */
  #documentType(data: Buffer, start: number): number {
    if (this.#seenType || this.#seenRoot) throw this.#invalid('it has a document type where none may be');
    let quote: number | undefined;
    for (let at = start; at < data.length; at++) {
      const code = data[at]!;
      if (quote !== undefined) {
        if (code === quote) quote = undefined;
      } else if (code === DOUBLE || code === SINGLE) quote = code;
      else if (code === BRACKET) throw this.#invalid('its document type says something itself, which repositories do not need');
      else if (code === GT) {
        if (!DOCUMENT_TYPE.test(data.toString('utf8', start, at + 1))) throw this.#invalid('its document type is malformed');
        this.#seenType = true;
        return at + 1;
      }
    }
    return -1;
  }

  /** Whether an element may begin here that has no content. */
  #isWithin(): boolean {
    return this.#open.length > 0 && this.#open.length < MAX_DEPTH;
  }

  #endTag(data: Buffer, start: number): number {
    let end = start + 2;
    while (end < data.length && data[end] !== GT) end++;
    if (end === data.length) return -1;
    let to = end;
    while (isSpace(data[to - 1]!)) to--;
    const name = this.#open.at(-1);
    if (name === undefined || !isSame(name.bytes, data, start + 2, to)) {
      throw this.#invalid(`</${data.toString('utf8', start + 2, Math.min(to, start + 62))}> closes nothing`);
    }
    this.#close();
    return end + 1;
  }

  #close(): void {
    const name = this.#open.pop()!;
    this.#wanted.pop();
    this.#handler.close(name.local, this.#texts[this.#open.length]!);
  }

  #startTag(data: Buffer, start: number): number {
    const { length } = data;
    let at = start + 1;
    for (; at < length; at++) {
      const code = data[at]!;
      if (code === GT || code === SLASH || isSpace(code)) break;
    }
    const nameEnd = at;
    this.#attributes.clear();
    for (;;) {
      while (at < length && isSpace(data[at]!)) at++;
      if (at >= length) return -1;
      if (data[at] === GT || data[at] === SLASH) break;
      at = this.#attribute(data, start, at);
      if (at < 0) return -1;
    }
    const selfClosing = data[at] === SLASH;
    if (selfClosing && at + 1 >= length) return -1;
    if (selfClosing && data[at + 1] !== GT) throw this.#invalid(`${tagAt(data, start)} is malformed`);
    const name = this.#names.find(data, start + 1, nameEnd);
    if (name === undefined) throw this.#invalid('an element has no proper name');
    if (this.#open.length === 0 && this.#seenRoot) throw this.#invalid('something follows its end');
    if (this.#open.length >= MAX_DEPTH) throw this.#invalid('it is nested too deep');
    this.#seenRoot = true;
    (this.#texts[this.#open.length] ??= new XmlText(NOTHING)).set(NOTHING, 0, 0);
    this.#open.push(name);
    this.#wanted.push(this.#handler.open(name.local, this.#attributes));
    if (selfClosing) this.#close();
    return at + (selfClosing ? 2 : 1);
  }

  /** Reads an attribute of the tag at `start`. @returns where it ends; -1 when that has not come yet. */
  #attribute(data: Buffer, start: number, from: number): number {
    const { length } = data;
    let nameEnd = from;
    while (nameEnd < length && data[nameEnd] !== EQUALS && !isSpace(data[nameEnd]!)) nameEnd++;
    let at = nameEnd;
    while (at < length && isSpace(data[at]!)) at++;
    if (at >= length) return -1;
    const equals = data[at] === EQUALS;
    for (at++; at < length && isSpace(data[at]!); ) at++;
    if (equals && at >= length) return -1;
    const quote = data[at];
    const name = equals && (quote === DOUBLE || quote === SINGLE) ? this.#names.find(data, from, nameEnd) : undefined;
    if (name === undefined) throw this.#invalid(`${tagAt(data, start)} has a malformed attribute`);
    const valueFrom = at + 1;
    let close = valueFrom;
    let bracket = false;
    for (; close < length && data[close] !== quote; close++) if (data[close] === LT) bracket = true;
    if (close === length) return -1;
    if (bracket) throw this.#invalid(`an attribute of ${tagAt(data, start)} holds "<"`);
    const value = this.#attributes.add(name.local);
    if (value === undefined) throw this.#invalid(`${tagAt(data, start)} has "${name.local}" twice`);
    if (this.#hasEntity(data, valueFrom, close)) this.#decode(data, valueFrom, close, value);
    else value.set(data, valueFrom, close);
    return close + 1;
  }

  #text(data: Buffer, from: number, to: number): void {
    const hasEntity = this.#hasEntity(data, from, to);
    if (this.#open.length > 0 && this.#wanted.at(-1) === false && !hasEntity) return;
    if (!hasEntity) return this.#characters(data, from, to);
    const decoded = this.#decoded;
    this.#decode(data, from, to, decoded);
    this.#characters(decoded.bytes, decoded.from, decoded.to);
  }

  #characters(data: Buffer, from: number, to: number): void {
    if (this.#open.length === 0) {
      if (
        data
          .toString('utf8', from, to)
          .trim()
          .replace(/^\uFEFF/, '') !== ''
      )
        throw this.#invalid('there is text outside of its elements');
      return;
    }
    const depth = this.#open.length - 1;
    if (this.#wanted[depth] !== true) return;
    const text = this.#texts[depth]!;
    if (text.length + to - from > MAX_TOKEN) throw this.#invalid('a text is too long');
    if (text.length === 0) return text.set(data, from, to);
    const joined = Buffer.concat([text.bytes.subarray(text.from, text.to), data.subarray(from, to)]);
    text.set(joined, 0, joined.length);
  }

  /** Whether an ampersand is in `[from, to)`; each is looked for once. */
  #hasEntity(data: Buffer, from: number, to: number): boolean {
    if (this.#ampersand < from) {
      const next = data.indexOf(AMPERSAND, from);
      this.#ampersand = next < 0 ? Infinity : next;
    }
    return this.#ampersand < to;
  }

  /** Replaces the entities of the raw text at `[from, to)`. */
  #decode(data: Buffer, from: number, to: number, result: XmlText): void {
    this.#entities.replace(data, from, to, result, this.#refuseEntity);
  }

  readonly #refuseEntity = (entity: string): Error => this.#invalid(`"${entity}" is no entity that it may use`);

  #invalid(reason: string): Error {
    const offset = this.#passed + this.#place;
    return rpmError('ICT_RPM_INDEX_INVALID', {
      message: `${this.#source} is no well-formed XML: ${reason} (at byte ${offset})`,
      hint: 'The repository was published with broken metadata; report it to the repository.',
      facts: { document: this.#source, reason, offset },
    });
  }
}

/** Place of the next `<`; -1 when there is none. */
function nextTag(data: Buffer, from: number): number {
  const end = Math.min(data.length, from + SHORT_TEXT);
  for (let at = from; at < end; at++) if (data[at] === LT) return at;
  return data.indexOf(LT, end);
}

function after(data: Buffer, mark: string, from: number): number {
  const at = data.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** A tag as messages quote it. */
function tagAt(data: Buffer, start: number): string {
  return `<${/^[^\s/>]{0,60}/.exec(data.toString('utf8', start + 1, start + 61))![0]}>`;
}
