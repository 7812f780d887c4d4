import type { FileHandle } from 'node:fs/promises';
import { crc32c, writeFully } from '@ict/image-parts';
import { diskError } from './errors.js';

/** Longest erofs label, in bytes. */
export const EROFS_LABEL_BYTES = 16;

const SUPERBLOCK_OFFSET = 1024;
const MAGIC = 0xe0f5_e1e2;
const CHECKSUM_AT = 4;
const COMPATIBLE_FEATURES_AT = 8;
const BLOCK_BITS_AT = 12;
const BLOCKS_AT = 36;
const LABEL_AT = 64;
const FEATURE_CHECKSUM = 0x1;
/** Blocks of 512 bytes to 64 KiB: what the kernel knows. */
const BLOCK_BITS = { least: 9, most: 16 };

/**
 * Reads how many bytes an erofs takes that starts `offset` bytes into a file.
 *
 * @throws `ICT_DISK_FILESYSTEM` when there is none.
 * @see Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h of the kernel
 */
export async function erofsBytes(file: FileHandle, offset: number): Promise<number> {
  const { bytes, blockBytes } = await readSuperblock(file, offset);
  return bytes.readUInt32LE(BLOCKS_AT) * blockBytes;
}

/**
 * Writes the label of the erofs that a file consists of: older versions of mkfs.erofs have no option for it.
 *
 * @throws `ICT_DISK_FILESYSTEM` when it holds none.
 */
export async function labelErofs(file: FileHandle, label: string): Promise<void> {
  const { bytes } = await readSuperblock(file, 0);
  bytes.fill(0, LABEL_AT, LABEL_AT + EROFS_LABEL_BYTES);
  bytes.write(label, LABEL_AT, EROFS_LABEL_BYTES, 'utf8');
  if ((bytes.readUInt32LE(COMPATIBLE_FEATURES_AT) & FEATURE_CHECKSUM) !== 0) {
    bytes.writeUInt32LE(0, CHECKSUM_AT);
    bytes.writeUInt32LE(crc32c(bytes), CHECKSUM_AT);
  }
  await writeFully(file, bytes, SUPERBLOCK_OFFSET);
}

/** @returns all that the checksum is of: the rest of the block in which the superblock starts. */
async function readSuperblock(file: FileHandle, offset: number): Promise<{ readonly bytes: Buffer; readonly blockBytes: number }> {
  const head = Buffer.alloc(BLOCK_BITS_AT + 1);
  await file.read(head, 0, head.length, offset + SUPERBLOCK_OFFSET);
  const blockBits = head[BLOCK_BITS_AT] as number;
  if (head.readUInt32LE(0) !== MAGIC || blockBits < BLOCK_BITS.least || blockBits > BLOCK_BITS.most) throw noErofs();
  const blockBytes = 2 ** blockBits;
  const bytes = Buffer.alloc(blockBytes > SUPERBLOCK_OFFSET ? blockBytes - SUPERBLOCK_OFFSET : blockBytes);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset + SUPERBLOCK_OFFSET);
  if (bytesRead < bytes.length) throw noErofs();
  return { bytes, blockBytes };
}

function noErofs(): Error {
  return diskError('ICT_DISK_FILESYSTEM', {
    message: 'what mkfs.erofs wrote is no erofs',
    hint: 'This is a fault of the tools tree or of ICT: please report it with the versions that the lock names.',
  });
}
