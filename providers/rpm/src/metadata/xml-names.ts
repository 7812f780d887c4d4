/** A name of an element or attribute, made once a document. */
export interface XmlName {
  /** As written. */
  readonly bytes: Buffer;
  /** Without the prefix of a name space. */
  readonly local: string;
}

/** A hostile document may have any number of names; a repository has some dozen. */
const SLOTS = 1024;
const MAX_NAMES = SLOTS / 2;

/** Finds names by their bytes, so that no string is made of a name that came before. */
export class XmlNames {
  readonly #slots = new Array<XmlName | undefined>(SLOTS).fill(undefined);
  #count = 0;

  /** @returns the name at `[from, to)`, or undefined for what is no name. */
  find(bytes: Buffer, from: number, to: number): XmlName | undefined {
    if (to === from) return undefined;
    // Length and ends tell the names of a document apart, but for a few.
    const hash = (to - from) * 331 + bytes[from]! * 31 + bytes[to - 1]! * 7;
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const known = this.#slots[slot];
      if (known === undefined) return this.#add(bytes, from, to, slot);
      if (isSame(known.bytes, bytes, from, to)) return known;
    }
  }

  #add(bytes: Buffer, from: number, to: number, slot: number): XmlName | undefined {
    if (!isName(bytes, from, to)) return undefined;
    const own = Buffer.from(bytes.subarray(from, to));
    const text = own.toString('utf8');
    const name = { bytes: own, local: unique(text.slice(text.indexOf(':') + 1)) };
    if (this.#count < MAX_NAMES) {
      this.#slots[slot] = name;
      this.#count++;
    }
    return name;
  }
}

/** The same text as the engine keeps it for names of properties: such texts are compared by identity. */
function unique(text: string): string {
  return Object.keys({ [text]: true })[0]!;
}

/** True when a name is written at `[from, to)`. */
export function isSame(name: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[from + at]) return false;
  return true;
}

/** Letters, digits and `_:.-`, or anything beyond ASCII; not a digit, dot or hyphen first. */
function isName(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = bytes[at]!;
    const first = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code === 0x3a || code >= 0x80;
    if (!first && (at === from || !((code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e))) return false;
  }
  return true;
}
