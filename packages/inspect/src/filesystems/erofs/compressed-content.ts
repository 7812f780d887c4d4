import { decompressLz4Block } from '@ict/archive';
import type { Bytes } from '../../bytes.js';
import { CLUSTER, compactIndex, fullIndex, type ClusterEntry, type ClusterIndex } from './cluster-index.js';
import type { Inode } from './inode.js';
import type { Superblock } from './superblock.js';

const HEADER_BYTES = 8;
/** In front of an index that is not compact. */
const FULL_PADDING = 8;
/** What stands before the index of a file. */
const ADVICE = { short: 0x1, largeFirst: 0x2, largeOther: 0x4, inlineEnd: 0x8, interlaced: 0x10, fragment: 0x20 };
const WHOLE_FRAGMENT = 0x80;
/** What the kernel takes of blocks that were compressed together, and of what they become. */
const MOST_STORED_BYTES = 1024 * 1024;
const MOST_PLAIN_BYTES = 12 * 1024 * 1024;

/** Where content begins that was compressed together, or left as it is. */
interface Head extends ClusterEntry {
  readonly start: number;
  readonly blocks: number;
}

interface Compression {
  readonly advice: number;
  readonly index: ClusterIndex;
  readonly clusters: number;
  readonly clusterBytes: number;
}

/** Content of a file that is compressed with lz4. @see fs/erofs/zmap.c and decompressor.c of the kernel */
export async function* compressedContent(bytes: Bytes, superblock: Superblock, inode: Inode): AsyncGenerator<Buffer, void, undefined> {
  const { sizeBytes } = inode;
  if (sizeBytes === 0) return;
  const compression = await readHeader(bytes, superblock, inode);
  let head: Head | undefined;
  for await (const next of headsOf(compression, superblock)) {
    if (head === undefined ? next.start !== 0 : next.start <= head.start || next.start > sizeBytes) throw damaged();
    if (next.start === sizeBytes) break; // it says where the content before it ends
    if (head !== undefined) yield await plainOf(bytes, superblock, compression, head, next.start - head.start);
    head = next;
  }
  if (head === undefined) throw damaged();
  yield await plainOf(bytes, superblock, compression, head, sizeBytes - head.start);
}

/** @see z_erofs_map_header in fs/erofs/erofs_fs.h of the kernel */
async function readHeader(bytes: Bytes, { blockBytes }: Superblock, inode: Inode): Promise<Compression> {
  const at = Math.ceil((inode.attributesAt + inode.attributeBytes) / HEADER_BYTES) * HEADER_BYTES;
  const header = await bytes.read(at, HEADER_BYTES);
  const [advice, form] = [header.readUInt16LE(4), header.readUInt8(7)];
  const isCompact = inode.layout === 'compressed compactly';
  const unknown = ADVICE.inlineEnd | ADVICE.fragment | (isCompact ? 0 : ADVICE.short);
  if ((advice & unknown) !== 0 || (form & WHOLE_FRAGMENT) !== 0 || header.readUInt8(6) !== 0)
    throw new RangeError('a file is compressed in an unknown way');
  const clusterBits = Math.log2(blockBytes) + (form & 7);
  const clusterBytes = 2 ** clusterBits;
  const clusters = Math.ceil(inode.sizeBytes / clusterBytes);
  const start = at + HEADER_BYTES;
  const [isShort, isLarge] = [(advice & ADVICE.short) !== 0, (advice & ADVICE.largeFirst) !== 0];
  const index = isCompact
    ? compactIndex(bytes, { start, clusters, clusterBits, isShort, isLarge })
    : fullIndex(bytes, start + FULL_PADDING);
  return { advice, index, clusters, clusterBytes };
}

async function* headsOf(
  { advice, index, clusters, clusterBytes }: Compression,
  { blockBytes }: Superblock,
): AsyncGenerator<Head, void, undefined> {
  for (let cluster = 0; cluster < clusters; cluster++) {
    const entry = await index(cluster);
    const { kind, offset } = entry;
    if (kind === CLUSTER.following) continue;
    if (offset >= clusterBytes) throw damaged();
    const isLarge = (advice & (kind === CLUSTER.first ? ADVICE.largeFirst : ADVICE.largeOther)) !== 0;
    const next = isLarge && cluster + 1 < clusters ? await index(cluster + 1) : undefined;
    if (next?.kind === CLUSTER.following && next.blocks === undefined) throw damaged();
    const blocks = next === undefined ? 1 : next.kind === CLUSTER.following ? (next.blocks as number) : clusterBytes / blockBytes;
    yield { ...entry, start: cluster * clusterBytes + offset, blocks };
  }
}

async function plainOf(
  bytes: Bytes,
  { blockBytes, isPadded }: Superblock,
  { advice }: Compression,
  { kind, start, block, blocks }: Head,
  length: number,
): Promise<Buffer> {
  if (blocks * blockBytes > MOST_STORED_BYTES || length > MOST_PLAIN_BYTES) throw damaged();
  const stored = await bytes.read(block * blockBytes, blocks * blockBytes);
  let content: Buffer;
  if (kind === CLUSTER.plain) {
    // It may stand in its block where it stands in the file, and go on at the beginning.
    const at = (advice & ADVICE.interlaced) === 0 ? 0 : start % blockBytes;
    content = Buffer.concat([stored.subarray(at), stored.subarray(0, at)]).subarray(0, length);
  } else {
    const padding = isPadded ? stored.subarray(0, blockBytes).findIndex((byte) => byte !== 0) : 0;
    content = decompressLz4Block(stored.subarray(Math.max(padding, 0)), length);
  }
  if (content.length !== length) throw damaged();
  return content;
}

function damaged(): RangeError {
  return new RangeError('a compressed file is damaged');
}
