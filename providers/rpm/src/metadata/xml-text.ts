import { isSame } from './xml-names.js';

/**
 * A text of a document as bytes of UTF-8, its entities replaced. A string is made when somebody wants one: most are never looked at.
 *
 * One object serves many texts: it is valid until the reader goes on.
 */
export class XmlText {
  bytes: Buffer;
  from: number;
  to: number;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }

  set(bytes: Buffer, from: number, to: number): void {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }

  get length(): number {
    return this.to - this.from;
  }

  toString(): string {
    return this.bytes.toString('utf8', this.from, this.to);
  }

  /** Without white space around it. */
  trimmed(): string {
    return this.toString().trim();
  }
}

const NAMED = Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }).map(([name, character]) => ({
  name: Buffer.from(name),
  code: character.charCodeAt(0),
}));
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const LAST_ASCII = 0x7f;
/** Bytes between the ampersand and the semicolon, at most. */
const MAX_REFERENCE = 12;
/** Bytes of texts that lie in one buffer. */
const ROOM = 16 * 1024;

/** Replaces the entities of raw texts. What it makes stays as it is: many texts share a buffer, as one for each takes longer than to fill it. */
export class EntityReplacer {
  #room: Buffer = Buffer.alloc(0);
  #used = 0;

  /**
   * @param result gets the text of `raw[from..to)`.
   * @param refuse makes the error for an entity that is none, or that a document may not use.
   */
  replace(raw: Buffer, from: number, to: number, result: XmlText, refuse: (entity: string) => Error): void {
    // No character takes more bytes than its entity.
    if (this.#used + to - from > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(Math.max(ROOM, to - from));
      this.#used = 0;
    }
    const room = this.#room;
    const start = this.#used;
    let end = start;
    for (let at = from; at < to; at++) {
      const byte = raw[at]!;
      if (byte !== AMPERSAND) {
        room[end++] = byte;
        continue;
      }
      const last = referenceEnd(raw, at + 1, to);
      const isEnded = last < to && raw[last] === SEMICOLON;
      const code = isEnded ? entity(raw, at + 1, last) : undefined;
      if (code === undefined) throw refuse(raw.toString('utf8', at, isEnded ? last + 1 : last));
      if (code <= LAST_ASCII) room[end++] = code;
      else end += room.write(String.fromCodePoint(code), end);
      at = last;
    }
    this.#used = end;
    result.set(room, start, end);
  }
}

/** Where the semicolon of a reference is, or what cannot belong to one. */
function referenceEnd(bytes: Buffer, from: number, to: number): number {
  const last = Math.min(to, from + MAX_REFERENCE);
  let at = from;
  while (at < last && bytes[at] !== SEMICOLON && bytes[at] !== AMPERSAND) at++;
  return at;
}

/** The code point that the reference at `[from, to)` stands for. */
function entity(bytes: Buffer, from: number, to: number): number | undefined {
  for (const { name, code } of NAMED) if (isSame(name, bytes, from, to)) return code;
  const number = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(bytes.toString('utf8', from, to));
  if (number === null) return undefined;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  const allowed = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0x10ffff);
  return allowed && code !== 0xfffe && code !== 0xffff ? code : undefined;
}
