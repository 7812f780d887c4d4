import { BTRFS_CHUNK, BTRFS_ITEM, BTRFS_KEY_BYTES } from '@ict/image-parts';
import { readWide } from '../../bytes.js';
import { countLeading } from '../../count-leading.js';

const FIXED_BYTES = 48;
const STRIPE_BYTES = 32;

interface Chunk {
  readonly start: number;
  readonly end: number;
  /** Where its copies lie on the device. */
  readonly copies: readonly number[];
}

/** Where addresses of a btrfs lie on its device. */
export class ChunkMap {
  readonly #device: number;
  /** In order. */
  readonly #chunks: Chunk[] = [];

  constructor(device: number) {
    this.#device = device;
  }

  /** Takes in what a superblock has of chunks. @throws RangeError where that is damaged. */
  addAll(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (bytes.readUInt8(at + 8) !== BTRFS_ITEM.chunk) throw new RangeError('the superblock of the btrfs is damaged: it names no chunks');
      const item = bytes.subarray(at + BTRFS_KEY_BYTES);
      this.add(readWide(bytes, at + 9), item);
      at += BTRFS_KEY_BYTES + FIXED_BYTES + item.readUInt16LE(44) * STRIPE_BYTES;
    }
  }

  /** @throws RangeError for one that does not lie on this device alone. @see btrfs_chunk in include/uapi/linux/btrfs_tree.h of the kernel */
  add(start: number, item: Buffer): void {
    const sizeBytes = readWide(item, 0);
    const kind = readWide(item, 24);
    const { data, system, metadata, twice } = BTRFS_CHUNK;
    const isTwice = (kind & twice) !== 0;
    const isKnown = (kind & ~(data | system | metadata | twice)) === 0 && kind < 2 ** 31;
    const count = item.readUInt16LE(44);
    if (!isKnown || count !== (isTwice ? 2 : 1))
      throw new RangeError(`a chunk of the btrfs is of the kind 0x${kind.toString(16)} with ${count} parts`);
    const copies: number[] = [];
    for (let at = FIXED_BYTES; at < FIXED_BYTES + count * STRIPE_BYTES; at += STRIPE_BYTES) {
      if (readWide(item, at) !== this.#device) throw new RangeError('a chunk of the btrfs lies on another device');
      copies.push(readWide(item, at + 8));
    }
    const index = this.#indexAt(start);
    const chunk = { start, end: start + sizeBytes, copies };
    if (this.#chunks[index - 1]?.start === start) this.#chunks[index - 1] = chunk;
    else this.#chunks.splice(index, 0, chunk);
  }

  /** Where bytes lie: one place for each copy. @throws RangeError where there is no chunk. */
  placesOf(at: number, length: number): readonly number[] {
    const chunk = this.#chunks[this.#indexAt(at) - 1];
    if (chunk === undefined || at + length > chunk.end) throw new RangeError(`no chunk of the btrfs has address ${at}`);
    return chunk.copies.map((copy) => copy + at - chunk.start);
  }

  /** How many chunks start there or before. */
  #indexAt(at: number): number {
    return countLeading(this.#chunks.length, (index) => (this.#chunks[index] as Chunk).start <= at);
  }
}
