import type { FileHandle } from 'node:fs/promises';
import { diskError } from './errors.js';

const MAGIC = 0x7371_7368;
const BYTES_USED_AT = 40;

/**
 * Reads how many bytes a squashfs takes that starts `offset` bytes into a file.
 *
 * @throws `ICT_DISK_FILESYSTEM` when there is none.
 * @see Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of the kernel
 */
export async function squashfsBytes(file: FileHandle, offset: number): Promise<number> {
  const bytes = Buffer.alloc(BYTES_USED_AT + 8);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
  if (bytesRead === bytes.length && bytes.readUInt32LE(0) === MAGIC) return Number(bytes.readBigUInt64LE(BYTES_USED_AT));
  throw diskError('ICT_DISK_FILESYSTEM', {
    message: 'what mksquashfs wrote is no squashfs',
    hint: 'This is a fault of the tools tree or of ICT: please report it with the versions that the lock names.',
  });
}
