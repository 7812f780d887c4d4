import { XFS_BLOCK, XFS_HASHES, XFS_HEADER, XFS_HEADER_BYTES, XFS_NAME_UNIT_BYTES, type XfsHeader } from '@ict/image-parts';
import type { Bytes } from '../../bytes.js';
import { countLeading } from '../../count-leading.js';
import type { Run } from './extents.js';
import { requireDescribed } from './places.js';

/** Levels of nodes that Linux has above leaves. */
const MOST_LEVELS = 5;

/** Blocks in which attributes of an inode lie. Each is read once: nothing leads in a circle, or to one block many times. */
export class AttributeBlocks {
  readonly #bytes: Bytes;
  readonly #blockBytes: number;
  readonly #owner: number;
  /** In order. */
  readonly #runs: readonly Run[];
  /** Places that were read. */
  readonly #met = new Set<number>();

  constructor(bytes: Bytes, blockBytes: number, owner: number, runs: readonly Run[]) {
    this.#bytes = bytes;
    this.#blockBytes = blockBytes;
    this.#owner = owner;
    this.#runs = runs;
  }

  /** The leaves of the tree whose root is there. @see xfs_da3_intnode in fs/xfs/libxfs/xfs_da_format.h of the kernel */
  async *leaves(logical = 0, mostLevels = MOST_LEVELS): AsyncGenerator<Buffer, void, undefined> {
    const block = await this.#read(logical, XFS_HEADER.hashes);
    const magic = block.readUInt16BE(8);
    if (magic === XFS_HASHES.attributes) {
      yield block;
      return;
    }
    const level = block.readUInt16BE(58);
    if (magic !== XFS_HASHES.node || level === 0 || level > mostLevels) throw this.#damaged();
    for (let index = 0; index < block.readUInt16BE(56); index++)
      yield* this.leaves(block.readUInt32BE(XFS_HEADER_BYTES.hashes + index * XFS_NAME_UNIT_BYTES + 4), level - 1);
  }

  /** The value that begins there. @see xfs_attr3_rmt_hdr there */
  async value(logical: number, sizeBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = 0; at < sizeBytes; ) {
      const block = await this.#read(logical + parts.length, XFS_HEADER.bytes);
      const part = block.subarray(XFS_HEADER_BYTES.bytes, XFS_HEADER_BYTES.bytes + sizeBytes - at);
      const isNext = block.readUInt32BE(4) === at && block.readUInt32BE(8) === part.length;
      if (block.toString('latin1', 0, 4) !== XFS_BLOCK.value || !isNext) throw this.#damaged();
      parts.push(part);
      at += part.length;
    }
    return Buffer.concat(parts);
  }

  async #read(logical: number, header: XfsHeader): Promise<Buffer> {
    const run = this.#runs[countLeading(this.#runs.length, (index) => (this.#runs[index] as Run).logical <= logical) - 1];
    if (run === undefined || logical >= run.logical + run.blocks) throw this.#damaged();
    const at = run.at + (logical - run.logical) * this.#blockBytes;
    if (this.#met.has(at)) throw this.#damaged();
    this.#met.add(at);
    const block = await this.#bytes.read(at, this.#blockBytes);
    requireDescribed(block, header, at, this.#owner);
    return block;
  }

  #damaged(): RangeError {
    return new RangeError(`inode ${this.#owner} of the xfs is damaged: its extended attributes`);
  }
}
