import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** A group of packages that can be asked for as `@id`. */
export interface PackageGroup {
  readonly id: string;
  /** Come with the group, whatever else. */
  readonly mandatory: readonly string[];
  /** Come with the group unless weak dependencies are off. */
  readonly optional: readonly string[];
}

/** Reads comps.xml: groups with their mandatory and default packages. Optional and conditional packages are not installed with a group. */
export class CompsReader implements XmlHandler {
  readonly groups = new Map<string, PackageGroup>();
  readonly #reader: XmlReader;
  #draft: { id: string; mandatory: string[]; optional: string[] } | undefined;
  #type = '';

  /** @param source names the document in messages. */
  constructor(source: string) {
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): ReadonlyMap<string, PackageGroup> {
    this.#reader.end();
    return this.groups;
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'group') this.#draft = { id: '', mandatory: [], optional: [] };
    // comps.xml takes a package without a type for a mandatory one.
    if (name === 'packagereq') this.#type = attributes.get('type') ?? 'mandatory';
    return name === 'id' || name === 'packagereq';
  }

  close(name: string, text: XmlText): void {
    const draft = this.#draft;
    if (draft === undefined) return;
    const value = text.trimmed();
    if (name === 'id') draft.id = value;
    else if (name === 'packagereq' && this.#type === 'mandatory') draft.mandatory.push(value);
    else if (name === 'packagereq' && this.#type === 'default') draft.optional.push(value);
    else if (name === 'group') {
      this.groups.set(draft.id, draft);
      this.#draft = undefined;
    }
  }
}
