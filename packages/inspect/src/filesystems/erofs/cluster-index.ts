import type { Bytes } from '../../bytes.js';

/** Kinds of clusters: content that is not compressed, the beginning of some that is, what follows one, and a beginning of the other compression. */
export const CLUSTER = { plain: 0, first: 1, following: 2, other: 3 } as const;

/** What an index says of a cluster of a file. */
export interface ClusterEntry {
  readonly kind: number;
  /** Where in the cluster the content begins. */
  readonly offset: number;
  /** Where it is stored. */
  readonly block: number;
  /** Of one that follows a beginning: how many blocks that is stored in, where it says so. */
  readonly blocks?: number;
}

/** Gives entries by the numbers of their clusters. */
export type ClusterIndex = (cluster: number) => Promise<ClusterEntry>;

const FULL_BYTES = 8;
const KIND_MASK = 3;
/** A distance to the beginning that has this is the count of its blocks instead. */
const COUNT_FLAG = 1 << 11;
/** Least bits of an offset or distance in a compact entry. */
const LEAST_BITS = 12;
/** Forms of compact entries, by the bits of their bytes: how many are packed together, and how large clusters may be. */
const PACKS = { 1: { count: 16, clusterBits: 12 }, 2: { count: 2, clusterBits: 14 } } as const;
/** Where packs of the shorter form may begin. */
const PACK_BYTES = 32;
/** Behind the entries of a pack: the block that they are counted from. */
const BASE_BYTES = 4;

/** @param start of the index. @see z_erofs_lcluster_index in fs/erofs/erofs_fs.h of the kernel */
export function fullIndex(bytes: Bytes, start: number): ClusterIndex {
  return async (cluster) => {
    const entry = await bytes.read(start + cluster * FULL_BYTES, FULL_BYTES);
    const kind = entry.readUInt16LE(0) & KIND_MASK;
    if (kind !== CLUSTER.following) return { kind, offset: entry.readUInt16LE(2), block: entry.readUInt32LE(4) };
    return { kind, offset: 0, block: 0, ...countIn(entry.readUInt16LE(4)) };
  };
}

/** What a compact index is like. */
export interface CompactForm {
  readonly start: number;
  readonly clusters: number;
  readonly clusterBits: number;
  /** Entries of two bytes come where they fit. */
  readonly isShort: boolean;
  /** What was compressed together may be stored in several blocks. */
  readonly isLarge: boolean;
}

/** @see unpack_compacted_index in fs/erofs/zmap.c of the kernel */
export function compactIndex(bytes: Bytes, { start, clusters, clusterBits, isShort, isLarge }: CompactForm): ClusterIndex {
  const before = (PACK_BYTES - (start % PACK_BYTES)) % PACK_BYTES;
  const [longFirst, shortCount] = [before / 4, PACKS[1].count];
  const shorts = isShort && longFirst < clusters ? Math.floor((clusters - longFirst) / shortCount) * shortCount : 0;
  const width = Math.max(LEAST_BITS, clusterBits);
  return async (cluster) => {
    const isOfShort = cluster >= longFirst && cluster < longFirst + shorts;
    const shift = isOfShort ? 1 : 2;
    const skipped = Math.min(Math.max(cluster - longFirst, 0), shorts);
    const at = start + (cluster - skipped) * 4 + skipped * 2;
    const { count, clusterBits: most } = PACKS[shift];
    if (clusterBits > most) throw new RangeError('the index of a compressed file is damaged');
    const packBytes = count << shift;
    const packAt = at - (at % packBytes);
    const pack = await bytes.read(packAt, packBytes);
    const entryBits = ((packBytes - BASE_BYTES) * 8) / count;
    const entryAt = (place: number): { readonly kind: number; readonly low: number } => {
      const bit = place * entryBits;
      const value = pack.readUInt32LE(bit >> 3) >>> (bit & 7);
      return { kind: (value >> width) & KIND_MASK, low: value & ((1 << width) - 1) };
    };
    const place = (at - packAt) >> shift;
    const { kind, low } = entryAt(place);
    if (kind === CLUSTER.following) return { kind, offset: 0, block: 0, ...countIn(low) };
    const base = pack.readUInt32LE(packBytes - BASE_BYTES);
    return { kind, offset: low, block: base + (isLarge ? largeBefore(place, entryAt) : smallBefore(place, entryAt)) };
  };
}

type Entries = (place: number) => { readonly kind: number; readonly low: number };

/** How many blocks of a pack come before those of an entry, each beginning in one: the base is that before the first. */
function smallBefore(place: number, entryAt: Entries): number {
  let blocks = 1;
  for (let at = place; at > 0; ) {
    const { kind, low } = entryAt(--at);
    if (kind === CLUSTER.following) at -= low;
    if (at >= 0) blocks++;
  }
  return blocks;
}

/** The same where beginnings say how many blocks they have, in the entry that follows. */
function largeBefore(place: number, entryAt: Entries): number {
  let blocks = 0;
  for (let at = place; at > 0; ) {
    const { kind, low } = entryAt(--at);
    if (kind !== CLUSTER.following) blocks++;
    else if ((low & COUNT_FLAG) !== 0) {
      at--;
      blocks += low & ~COUNT_FLAG;
    } else if (low > 1) at -= low - 2;
    else throw new RangeError('the index of a compressed file is damaged');
  }
  return blocks;
}

function countIn(distance: number): Pick<ClusterEntry, 'blocks'> {
  return (distance & COUNT_FLAG) === 0 ? {} : { blocks: distance & ~COUNT_FLAG };
}
