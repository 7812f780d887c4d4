import { open, type FileHandle } from 'node:fs/promises';
import { crc32c, readFully, writeFully } from '@ict/image-parts';
import { readExtSuperblock, unreadable, type ExtSuperblock } from './ext-superblock.js';

const INODE_UNINITIALISED = 0x1;
const CHECKSUM_LOW = 0x7c;
const EXTRA_SIZE = 0x80;
const CHECKSUM_HIGH = 0x82;
/** Offsets of the seconds and of the field that carries nanoseconds and, in its two lowest bits, the seconds' high bits. */
const ACCESS = [0x08, 0x8c] as const;
const CHANGE = [0x0c, 0x84] as const;
const MODIFY = [0x10, 0x88] as const;
const CREATE = [0x90, 0x94] as const;
const FIRST_EXTRA_BYTES = 128;

/**
 * Makes the times of every inode a function of the tree's contents: modification times later than `epochSeconds` become it, all lose
 * their fractions, and access, change and creation times become the modification time.
 *
 * `mke2fs -d` copies access and change times, which say when this machine last touched its copy of the tree; versions before 1.47.1
 * do not limit any of them.
 *
 * @param offset where the filesystem starts in the file, in bytes.
 * @throws `ICT_DISK_FILESYSTEM` when there is no ext filesystem.
 * @see Documentation/filesystems/ext4/inodes.rst of the kernel
 */
export async function fixExtTimes(path: string, offset: number, epochSeconds: number, signal?: AbortSignal): Promise<void> {
  await using file = await open(path, 'r+');
  const superblock = await readExtSuperblock(file, offset);
  const descriptors = await readAt(file, offset + superblock.descriptorsOffset, superblock.groups * superblock.descriptorBytes);
  for (let group = 0; group < superblock.groups; group++) {
    signal?.throwIfAborted();
    const descriptor = descriptors.subarray(group * superblock.descriptorBytes, (group + 1) * superblock.descriptorBytes);
    if ((descriptor.readUInt16LE(0x12) & INODE_UNINITIALISED) === 0)
      await fixGroup(file, offset, superblock, group, descriptor, epochSeconds);
  }
}

async function fixGroup(
  file: FileHandle,
  offset: number,
  superblock: ExtSuperblock,
  group: number,
  descriptor: Buffer,
  epochSeconds: number,
): Promise<void> {
  const { inodesPerGroup, inodeBytes, blockBytes } = superblock;
  const bitmap = await readAt(file, offset + blockNumber(descriptor, 0x04, 0x24) * blockBytes, Math.ceil(inodesPerGroup / 8));
  const used = (index: number): boolean => (((bitmap[index >> 3] as number) >> (index & 7)) & 1) === 1;
  let count = inodesPerGroup;
  while (count > 0 && !used(count - 1)) count--;
  if (count === 0) return;
  const tableOffset = offset + blockNumber(descriptor, 0x08, 0x28) * blockBytes;
  const table = await readAt(file, tableOffset, count * inodeBytes);
  let changed = false;
  for (let index = 0; index < count; index++) {
    if (!used(index)) continue;
    const inode = table.subarray(index * inodeBytes, (index + 1) * inodeBytes);
    changed = fixInode(inode, group * inodesPerGroup + index + 1, superblock, epochSeconds) || changed;
  }
  if (changed) await writeFully(file, table, tableOffset);
}

/** @returns true when a byte changed; only then is the checksum written, as unused reserved inodes have none. */
function fixInode(inode: Buffer, number: number, superblock: ExtSuperblock, epochSeconds: number): boolean {
  const before = Buffer.from(inode);
  const extraEnd = inode.length > FIRST_EXTRA_BYTES ? FIRST_EXTRA_BYTES + inode.readUInt16LE(EXTRA_SIZE) : FIRST_EXTRA_BYTES;
  const has = (field: number, bytes = 4): boolean => field + bytes <= extraEnd;
  const [secondsAt, extraAt] = MODIFY;
  const modified = inode.readInt32LE(secondsAt) + (has(extraAt) ? (inode.readUInt32LE(extraAt) & 3) * 2 ** 32 : 0);
  const seconds = Math.min(modified, epochSeconds);
  for (const [at, extra] of [ACCESS, CHANGE, MODIFY, CREATE]) {
    if (at >= FIRST_EXTRA_BYTES && !has(at)) continue;
    inode.writeInt32LE(seconds | 0, at);
    if (has(extra)) inode.writeUInt32LE(Math.round((seconds - (seconds | 0)) / 2 ** 32) & 3, extra);
  }
  if (inode.equals(before)) return false;
  if (superblock.checksumSeed !== undefined) writeChecksum(inode, number, superblock.checksumSeed, has(CHECKSUM_HIGH, 2));
  return true;
}

function writeChecksum(inode: Buffer, number: number, seed: number, wide: boolean): void {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(number, 0);
  prefix.writeUInt32LE(inode.readUInt32LE(0x64), 4);
  inode.writeUInt16LE(0, CHECKSUM_LOW);
  if (wide) inode.writeUInt16LE(0, CHECKSUM_HIGH);
  const checksum = crc32c(inode, crc32c(prefix, seed));
  inode.writeUInt16LE(checksum & 0xffff, CHECKSUM_LOW);
  if (wide) inode.writeUInt16LE(checksum >>> 16, CHECKSUM_HIGH);
}

function blockNumber(descriptor: Buffer, low: number, high: number): number {
  return descriptor.readUInt32LE(low) + (descriptor.length > 32 ? descriptor.readUInt32LE(high) * 2 ** 32 : 0);
}

async function readAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  await readFully(file, buffer, position).catch((cause: unknown) => {
    throw unreadable('the file ends inside it', cause);
  });
  return buffer;
}
