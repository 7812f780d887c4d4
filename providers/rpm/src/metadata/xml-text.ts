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

export const EMPTY_TEXT: XmlText = Object.freeze(new XmlText(Buffer.alloc(0))) as XmlText;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Replaces the entities of a raw text.
 *
 * @param refuse makes the error for one that is none, or that a document may not use.
 */
export function replaceEntities(raw: string, refuse: (entity: string) => Error): string {
  return raw.replace(/&([^;&]{0,12};)?/g, (_all, reference: string | undefined) => {
    const character = reference === undefined ? undefined : entity(reference.slice(0, -1));
    if (character === undefined) throw refuse(`&${(reference ?? '').slice(0, 12)}`);
    return character;
  });
}

function entity(reference: string): string | undefined {
  if (Object.hasOwn(NAMED, reference)) return NAMED[reference];
  const number = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(reference);
  if (number === null) return undefined;
  const code = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  const allowed = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0x10ffff);
  return allowed && code !== 0xfffe && code !== 0xffff ? String.fromCodePoint(code) : undefined;
}
