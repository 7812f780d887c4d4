import { XmlText } from './xml-text.js';

/** Attributes of an element, by local name. */
export interface XmlAttributes {
  /** Undefined when it is absent. */
  get(name: string): string | undefined;
  /** The same without a string; valid until `open` returns. */
  find(name: string): XmlText | undefined;
}

/** The attributes of one tag; the objects of their values serve the next one again. */
export class TagAttributes implements XmlAttributes {
  readonly #names: string[] = [];
  readonly #values: XmlText[] = [];
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** @returns where its value is to be put; undefined when the name is there already. */
  add(name: string): XmlText | undefined {
    if (this.find(name) !== undefined) return undefined;
    const place = this.#count++;
    this.#names[place] = name;
    return (this.#values[place] ??= new XmlText(Buffer.alloc(0)));
  }

  find(name: string): XmlText | undefined {
    for (let at = 0; at < this.#count; at++) if (this.#names[at] === name) return this.#values[at];
    return undefined;
  }

  get(name: string): string | undefined {
    return this.find(name)?.toString();
  }
}
