import { open } from 'node:fs/promises';
import { bootError } from './errors.js';

/** Formats of disk images, as qemu's `-drive format=` names them, and that of discs. */
export type ImageFileFormat = 'raw' | 'qcow2' | 'iso';

/** How the first descriptor of ISO 9660 begins, and where. @see ECMA-119, 8.1 */
const ISO_MAGIC = Buffer.from('\x01CD001');
const ISO_MAGIC_OFFSET = 16 * 2048;
const QCOW2_MAGIC = Buffer.from([0x51, 0x46, 0x49, 0xfb]);
/** Starts of files that are no disk for qemu until they are unpacked. */
const COMPRESSED: readonly (readonly [string, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', Buffer.from('BZh')],
];

/** Starts of virtual disks that are not booted here. */
const FOREIGN: readonly (readonly [string, Buffer])[] = [
  ['vhd', Buffer.from('conectix')],
  ['vhdx', Buffer.from('vhdxfile')],
  ['vmdk', Buffer.from('KDMV')],
  ['vdi', Buffer.from('<<< ')],
];

/**
 * Tells a qcow2 by its first bytes, and an ISO image by its first descriptor; anything else is raw. qemu is never left to guess, as a guest could write a header of its own choice.
 *
 * @throws `ICT_BOOT_IMAGE` when the file cannot be read, is empty, compressed or the virtual disk of another machine.
 */
export async function imageFileFormat(path: string): Promise<ImageFileFormat> {
  const start = Buffer.alloc(8);
  const descriptor = Buffer.alloc(ISO_MAGIC.length);
  let length: number;
  try {
    await using file = await open(path, 'r');
    length = (await file.read(start, 0, start.length, 0)).bytesRead;
    await file.read(descriptor, 0, descriptor.length, ISO_MAGIC_OFFSET);
  } catch (cause) {
    throw bootError('ICT_BOOT_IMAGE', {
      message: `The image ${path} cannot be read`,
      hint: 'Build it first, or check its path.',
      facts: { path },
      cause,
    });
  }
  if (length === 0) throw bootError('ICT_BOOT_IMAGE', { message: `The image ${path} is empty`, hint: 'Build it again.', facts: { path } });
  const begins = ([, magic]: readonly [string, Buffer]): boolean => start.subarray(0, magic.length).equals(magic);
  const foreign = FOREIGN.find(begins);
  if (foreign !== undefined) {
    throw bootError('ICT_BOOT_IMAGE', {
      message: `The image ${path} is a ${foreign[0]}`,
      hint: 'Boot the raw or qcow2 artifact of the same build.',
      facts: { path, format: foreign[0] },
    });
  }
  const compressed = COMPRESSED.find(begins);
  if (compressed !== undefined) {
    throw bootError('ICT_BOOT_IMAGE', {
      message: `The image ${path} is compressed with ${compressed[0]}`,
      hint: 'Unpack it, or boot the raw or qcow2 artifact of the same build.',
      facts: { path, compression: compressed[0] },
    });
  }
  if (begins(['qcow2', QCOW2_MAGIC])) return 'qcow2';
  return descriptor.equals(ISO_MAGIC) ? 'iso' : 'raw';
}
