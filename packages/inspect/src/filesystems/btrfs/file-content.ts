import { BTRFS_EXTENT, BTRFS_ITEM } from '@ict/image-parts';
import { readWide, type Bytes } from '../../bytes.js';
import { decompressBlock, type BlockCompression } from '../decompress-block.js';
import { inPieces, zeros } from '../pieces.js';
import type { ChunkMap } from './chunk-map.js';
import type { TreeRoot } from './superblock.js';
import type { Item, TreeReader } from './tree-reader.js';

const FIELDS_BYTES = 21;
/** The kernel compresses no more at once. */
const MOST_COMPRESSED_BYTES = 128 * 1024;
/** By their numbers. */
const COMPRESSIONS: readonly (BlockCompression | undefined)[] = [undefined, 'zlib', undefined, 'zstd'];

/** What an item says of a part of a file. @see btrfs_file_extent_item in include/uapi/linux/btrfs_tree.h of the kernel */
interface Extent {
  readonly start: number;
  readonly form: number;
  readonly compression: BlockCompression | undefined;
  /** Content, of one that lies in its item. */
  readonly inline: Buffer;
  /** Where it is stored, 0 where it is not, and how much is; then which part of that it is, when it is not compressed. */
  readonly at: number;
  readonly storedBytes: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Reads contents of files of a btrfs. */
export class FileContents {
  readonly #bytes: Bytes;
  readonly #chunks: ChunkMap;
  readonly #trees: TreeReader;

  constructor(bytes: Bytes, chunks: ChunkMap, trees: TreeReader) {
    this.#bytes = bytes;
    this.#chunks = chunks;
    this.#trees = trees;
  }

  async *of(root: TreeRoot, object: number, sizeBytes: number): AsyncGenerator<Buffer, void, undefined> {
    let at = 0;
    /** Several parts of a file may be of one extent. */
    let plain: { readonly at: number; readonly content: Buffer } | undefined;
    for await (const item of this.#trees.items(root, object, BTRFS_ITEM.fileExtent)) {
      if (at === sizeBytes) return; // what is behind was reserved, and never written
      const extent = decodeExtent(item);
      const { start, compression } = extent;
      if (start < at) throw new RangeError('parts of a file overlap');
      yield* zeros(Math.min(start, sizeBytes) - at);
      at = Math.min(start, sizeBytes);
      const end = Math.min(start + extent.sizeBytes, sizeBytes);
      if (end <= at) continue;
      if (compression === undefined) yield* this.#stored(extent, end - at);
      else if (extent.at !== 0 || extent.form === BTRFS_EXTENT.inline) {
        if (plain === undefined || plain.at !== extent.at || extent.at === 0)
          plain = { at: extent.at, content: await this.#plain(extent, compression) };
        const part = plain.content.subarray(extent.offset, extent.offset + end - at);
        yield part;
        yield* zeros(end - at - part.length); // the end of a sector, behind that of the file
      } else yield* zeros(end - at);
      at = end;
    }
    yield* zeros(sizeBytes - at);
  }

  #stored({ form, inline, at, offset }: Extent, length: number): AsyncGenerator<Buffer, void, undefined> | Iterable<Buffer> {
    if (form === BTRFS_EXTENT.inline) return [inline.subarray(0, length)];
    if (form === BTRFS_EXTENT.unwritten || at === 0) return zeros(length);
    return inPieces(this.#bytes, this.#placeOf(at + offset, length), length);
  }

  async #plain({ form, inline, at, storedBytes }: Extent, compression: BlockCompression): Promise<Buffer> {
    if (storedBytes > MOST_COMPRESSED_BYTES) throw new RangeError(`a compressed extent has ${storedBytes} bytes`);
    const stored = form === BTRFS_EXTENT.inline ? inline : await this.#bytes.read(this.#placeOf(at, storedBytes), storedBytes);
    return decompressBlock(compression, stored, MOST_COMPRESSED_BYTES);
  }

  #placeOf(at: number, length: number): number {
    return this.#chunks.placesOf(at, length)[0] as number;
  }
}

function decodeExtent({ offset: start, data }: Item): Extent {
  const [number, form] = [data.readUInt8(16), data.readUInt8(20)];
  const compression = COMPRESSIONS[number];
  if (number !== 0 && compression === undefined) throw new RangeError(`an extent has the unknown compression ${number}`);
  if (data.readUInt8(17) !== 0 || data.readUInt16LE(18) !== 0) throw new RangeError('an extent is encrypted or encoded');
  const inline = data.subarray(FIELDS_BYTES);
  const common = { start, form, compression, inline };
  if (form === BTRFS_EXTENT.inline) {
    const sizeBytes = compression === undefined ? inline.length : readWide(data, 8);
    return { ...common, at: 0, storedBytes: inline.length, offset: 0, sizeBytes };
  }
  if (form !== BTRFS_EXTENT.regular && form !== BTRFS_EXTENT.unwritten) throw new RangeError(`an extent is of the unknown kind ${form}`);
  const [at, storedBytes, offset, sizeBytes] = [21, 29, 37, 45].map((field) => readWide(data, field)) as [number, number, number, number];
  const plainBytes = compression === undefined ? storedBytes : readWide(data, 8);
  if (at !== 0 && offset + sizeBytes > plainBytes) throw new RangeError('a part of a file is longer than its extent');
  return { ...common, at, storedBytes, offset, sizeBytes };
}
