import { crc32cOfNumber } from '@ict/image-parts';

/** What checksums of things that belong to an inode start from; generations of inodes are 0 here. @param filesystemSeed CRC-32C of its UUID. */
export function inodeSeed(filesystemSeed: number, inode: number): number {
  return crc32cOfNumber(0, crc32cOfNumber(inode, filesystemSeed));
}
