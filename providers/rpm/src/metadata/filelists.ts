import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** A package that brings a wanted file. */
export interface FileOwner {
  readonly path: string;
  /** Checksum of the package file, as hex: how the file lists name packages. */
  readonly pkgid: string;
}

/** Reads filelists.xml, piece by piece, and keeps only who brings the wanted paths. */
export class FilelistsReader implements XmlHandler {
  readonly owners: FileOwner[] = [];
  readonly #wanted: ReadonlySet<string>;
  readonly #reader: XmlReader;
  #pkgid = '';

  /** @param source names the document in messages. */
  constructor(source: string, wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): readonly FileOwner[] {
    this.#reader.end();
    return this.owners;
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'package') this.#pkgid = attributes.get('pkgid') ?? '';
    return name === 'file';
  }

  close(name: string, text: XmlText): void {
    if (name !== 'file') return;
    const path = text.toString();
    if (this.#wanted.has(path)) this.owners.push({ path, pkgid: this.#pkgid });
  }
}
