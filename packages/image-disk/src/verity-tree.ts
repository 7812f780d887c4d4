import { hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { readFully, readPieces, uuidBytes, writeFully, type ByteRange } from '@ict/image-parts';

/** Bumped when the same data gives other bytes. */
export const VERITY_VERSION = 1;

/** Of data and of hashes: what `veritysetup` takes by itself, and the largest that every machine can open. */
export const VERITY_BLOCK_BYTES = 4096;
const HASH_BYTES = 32;
const HASHES_IN_A_BLOCK = VERITY_BLOCK_BYTES / HASH_BYTES;
const MAGIC = 'verity\0\0';
const SUPERBLOCK_BYTES = 512;
/** Read, and of hashes gathered, at a time; a multiple of what {@link readPieces} wants. */
const PIECE_BYTES = 256 * 1024;

/** A level of the tree: its blocks hold the hashes of the blocks below, those of level 0 of the data. */
interface Level {
  /** Counted in blocks from the superblock. */
  readonly firstBlock: number;
  readonly blocks: number;
}

/** What is hashed, and where the tree goes, in one file. */
export interface VerityRequest {
  readonly file: string;
  /** Whole blocks; what is behind the last one is not covered. */
  readonly data: ByteRange;
  readonly hashOffsetBytes: number;
  readonly uuid: string;
  /** At most 256 bytes. */
  readonly salt: Uint8Array;
  /** Where the file is expected to have data, as for {@link readPieces}. */
  readonly likelyData: readonly ByteRange[];
}

/** Levels of the tree over so many bytes of data, from level 0; on disk the highest lies first, behind the superblock. */
function levelsOver(dataBytes: number): readonly Level[] {
  const counts: number[] = [];
  for (let blocks = Math.floor(dataBytes / VERITY_BLOCK_BYTES); blocks > 1; ) counts.push((blocks = Math.ceil(blocks / HASHES_IN_A_BLOCK)));
  return counts.map((blocks, level) => ({ blocks, firstBlock: counts.slice(level + 1).reduce((sum, above) => sum + above, 1) }));
}

/** Bytes that superblock and tree take for so many bytes of data. */
export function verityBytesFor(dataBytes: number): number {
  return levelsOver(dataBytes).reduce((sum, { blocks }) => sum + blocks, 1) * VERITY_BLOCK_BYTES;
}

/** Bytes that superblock and tree take which lie at a place of a file; undefined when none do. */
export async function verityBytesAt(file: FileHandle, offsetBytes: number): Promise<number | undefined> {
  const superblock = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(superblock, 0, SUPERBLOCK_BYTES, offsetBytes);
  if (superblock.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  return verityBytesFor(Number(superblock.readBigUInt64LE(72)) * VERITY_BLOCK_BYTES);
}

/** The root hash of a tree that lies at a place of a file, in hexadecimal digits. */
export async function readRootHash(file: FileHandle, offsetBytes: number): Promise<string> {
  const blocks = Buffer.alloc(2 * VERITY_BLOCK_BYTES);
  await readFully(file, blocks, offsetBytes);
  const saltBytes = blocks.readUInt16LE(80);
  return blockHasher(blocks.subarray(88, 88 + saltBytes))(blocks.subarray(VERITY_BLOCK_BYTES)).toString('hex');
}

/**
 * Writes superblock and hash tree of dm-verity as `veritysetup format` does: version 1, SHA-256, blocks of 4096 bytes. What it keeps in memory does not
 * grow with the data, and blocks of zeros are hashed once.
 *
 * @returns the root hash, in hexadecimal digits.
 * @see Documentation/admin-guide/device-mapper/verity.rst of Linux
 */
export async function writeVerityTree(request: VerityRequest, signal: AbortSignal): Promise<string> {
  const { file, data, hashOffsetBytes, salt, likelyData } = request;
  const dataBlocks = Math.floor(data.length / VERITY_BLOCK_BYTES);
  if (dataBlocks < 2) throw new RangeError(`a verity device of ${data.length} bytes is too small`);
  const hashBlock = blockHasher(salt);
  await using image = await open(file, 'r+');
  await writeFully(image, encodeSuperblock(request, dataBlocks), hashOffsetBytes);
  let below: AsyncIterable<Buffer> = readPieces(file, PIECE_BYTES, likelyData, signal, Buffer.allocUnsafeSlow(PIECE_BYTES), {
    offset: data.offset,
    length: dataBlocks * VERITY_BLOCK_BYTES,
  });
  let top: Buffer | undefined;
  for (const { firstBlock, blocks } of levelsOver(data.length)) {
    const place = { offset: hashOffsetBytes + firstBlock * VERITY_BLOCK_BYTES, length: blocks * VERITY_BLOCK_BYTES };
    top = await writeLevel(image, below, place, hashBlock);
    below = readBack(image, place, signal);
  }
  return hashBlock(top as Buffer).toString('hex');
}

/** Writes the hashes of blocks, and zeros after the last one. @returns the last block written: of the highest level, all of it. */
async function writeLevel(
  image: FileHandle,
  below: AsyncIterable<Buffer>,
  place: ByteRange,
  hashBlock: (block: Buffer) => Buffer,
): Promise<Buffer> {
  const gathered = Buffer.alloc(PIECE_BYTES);
  let filled = 0;
  let at = place.offset;
  const flush = async (): Promise<void> => {
    const bytes = Math.min(gathered.length, place.offset + place.length - at);
    gathered.fill(0, filled, bytes);
    await writeFully(image, gathered.subarray(0, bytes), at);
    at += bytes;
    filled = 0;
  };
  for await (const piece of below) {
    for (let block = 0; block < piece.length; block += VERITY_BLOCK_BYTES) {
      filled += hashBlock(piece.subarray(block, block + VERITY_BLOCK_BYTES)).copy(gathered, filled);
    }
    if (filled === gathered.length) await flush();
  }
  if (at < place.offset + place.length) await flush();
  return gathered.subarray(0, VERITY_BLOCK_BYTES);
}

async function* readBack(image: FileHandle, { offset, length }: ByteRange, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, length));
  for (let done = 0; done < length; done += buffer.length) {
    signal.throwIfAborted();
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
    await readFully(image, piece, offset + done);
    yield piece;
  }
}

/** Hashes blocks behind a salt. What it returns is good until it is called again, but that of zeros, which stays. */
function blockHasher(salt: Uint8Array): (block: Buffer) => Buffer {
  const salted = Buffer.alloc(salt.length + VERITY_BLOCK_BYTES);
  salted.set(salt);
  const zeros = Buffer.alloc(VERITY_BLOCK_BYTES);
  const hashOfZeros = hash('sha256', salted, 'buffer');
  return (block) => {
    if (block.equals(zeros)) return hashOfZeros;
    block.copy(salted, salt.length);
    return hash('sha256', salted, 'buffer');
  };
}

function encodeSuperblock({ uuid, salt }: VerityRequest, dataBlocks: number): Uint8Array {
  // The whole block, as no more than the first 512 bytes of it say anything.
  const block = Buffer.alloc(VERITY_BLOCK_BYTES);
  block.write(MAGIC, 'latin1');
  block.writeUInt32LE(1, 8); // version of the superblock
  block.writeUInt32LE(1, 12); // kind of hashes: the salt comes first
  block.set(uuidBytes(uuid), 16);
  block.write('sha256', 32, 'latin1');
  block.writeUInt32LE(VERITY_BLOCK_BYTES, 64);
  block.writeUInt32LE(VERITY_BLOCK_BYTES, 68);
  block.writeBigUInt64LE(BigInt(dataBlocks), 72);
  block.writeUInt16LE(salt.length, 80);
  block.set(salt, 88);
  return block;
}
