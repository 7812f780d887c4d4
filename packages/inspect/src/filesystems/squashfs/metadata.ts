import { readWide, type Bytes } from '../../bytes.js';
import { remembering } from '../../remembering.js';

/** What a block of metadata is when it is not compressed; the last of a table is less. */
export const METADATA_BYTES = 8192;
const KEPT_BLOCKS = 64;
const PLAIN_FLAG = 0x8000;
/** A pointer of the list of a table's blocks. */
const POINTER_BYTES = 8;

/** A place in metadata: where a block is stored, and where in its content. */
export interface MetadataPlace {
  readonly block: number;
  readonly offset: number;
}

interface MetadataBlock {
  readonly content: Buffer;
  /** Where the next is stored. */
  readonly next: number;
}

/** Reads blocks of metadata of a squashfs. Whatever is damaged is a RangeError. */
export class Metadata {
  readonly #bytes: Bytes;
  readonly blockAt: (at: number) => Promise<MetadataBlock>;

  constructor(bytes: Bytes, decompress: (block: Buffer, most: number) => Promise<Buffer>) {
    this.#bytes = bytes;
    this.blockAt = remembering(KEPT_BLOCKS, async (at) => {
      const header = (await bytes.read(at, 2)).readUInt16LE(0);
      const length = header & ~PLAIN_FLAG || PLAIN_FLAG;
      if (length > METADATA_BYTES) throw new RangeError(`a block of metadata has ${length} bytes`);
      const stored = await bytes.read(at + 2, length);
      return { content: (header & PLAIN_FLAG) !== 0 ? stored : await decompress(stored, METADATA_BYTES), next: at + 2 + length };
    });
  }

  from(place: MetadataPlace): MetadataReader {
    return new MetadataReader(this, place);
  }

  /** One entry of a table, whose blocks are listed where it starts. */
  async entry(table: number, index: number, entryBytes: number): Promise<Buffer> {
    const perBlock = METADATA_BYTES / entryBytes;
    const pointer = await this.#bytes.read(table + Math.floor(index / perBlock) * POINTER_BYTES, POINTER_BYTES);
    return this.from({ block: readWide(pointer, 0), offset: (index % perBlock) * entryBytes }).take(entryBytes);
  }
}

/** Reads metadata on from a place: what it has may go on in the next block. */
export class MetadataReader {
  readonly #metadata: Metadata;
  #block: number;
  #offset: number;

  constructor(metadata: Metadata, { block, offset }: MetadataPlace) {
    this.#metadata = metadata;
    this.#block = block;
    this.#offset = offset;
  }

  get place(): MetadataPlace {
    return { block: this.#block, offset: this.#offset };
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const { content, next } = await this.#metadata.blockAt(this.#block);
      if (this.#offset > content.length || content.length === 0) throw new RangeError('metadata of the squashfs is damaged');
      const part = content.subarray(this.#offset, this.#offset + left);
      parts.push(part);
      left -= part.length;
      this.#offset += part.length;
      if (this.#offset < content.length) continue;
      this.#block = next;
      this.#offset = 0;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }
}
