import { constants, open } from 'node:fs/promises';
import { bootError } from './errors.js';

/** Formats of disk images, as qemu's `-drive format=` names them (`vpc` is a vhd), and that of discs. */
export type ImageFileFormat = 'raw' | 'qcow2' | 'vpc' | 'vhdx' | 'vmdk' | 'vdi' | 'iso';

/** How the first descriptor of ISO 9660 begins, and where. @see ECMA-119, 8.1 */
export const ISO_MAGIC = Buffer.from('\x01CD001');
export const ISO_MAGIC_OFFSET = 16 * 2048;
/** Starts of virtual disks. A vhd of fixed size has its mark at the end only, and is started as the raw disk that it begins with. */
export const virtualDiskMagic: Readonly<Record<Exclude<ImageFileFormat, 'raw' | 'iso'>, Buffer>> = {
  qcow2: Buffer.from([0x51, 0x46, 0x49, 0xfb]),
  vpc: Buffer.from('conectix'),
  vhdx: Buffer.from('vhdxfile'),
  vmdk: Buffer.from('KDMV'),
  vdi: Buffer.from('<<< '),
};
/** Starts of files that are no disk for qemu until they are unpacked, by what packs them. */
export const compressionMagic: Readonly<Record<'gzip' | 'xz' | 'zstd' | 'bzip2', Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  xz: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  bzip2: Buffer.from('BZh'),
};

/**
 * Tells a virtual disk by its first bytes, and an ISO image by its first descriptor; anything else is raw. qemu is never left to guess, as
 * a guest could write a header of its own choice.
 *
 * @throws `ICT_BOOT_IMAGE` when the file cannot be read, is empty or compressed.
 */
export async function imageFileFormat(path: string): Promise<ImageFileFormat> {
  const start = Buffer.alloc(8);
  const descriptor = Buffer.alloc(ISO_MAGIC.length);
  let length: number;
  try {
    // Without O_NONBLOCK a FIFO is waited for; a disk of this machine is opened as ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    length = (await file.read(start, 0, start.length, 0)).bytesRead;
    await file.read(descriptor, 0, descriptor.length, ISO_MAGIC_OFFSET);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw bootError('ICT_BOOT_IMAGE', {
      message: code === 'ENOENT' ? `There is no image ${path}` : `The image ${path} cannot be read: ${code ?? message}`,
      hint: 'Build it first, or check its path.',
      facts: { path },
      cause,
    });
  }
  if (length === 0) throw bootError('ICT_BOOT_IMAGE', { message: `The image ${path} is empty`, hint: 'Build it again.', facts: { path } });
  const begins = ([, magic]: readonly [string, Buffer]): boolean => start.subarray(0, magic.length).equals(magic);
  const compressed = Object.entries(compressionMagic).find(begins);
  if (compressed !== undefined) {
    throw bootError('ICT_BOOT_IMAGE', {
      message: `The image ${path} is compressed with ${compressed[0]}`,
      hint: 'Unpack it, or boot another artifact of the same build that is not compressed.',
      facts: { path, compression: compressed[0] },
    });
  }
  const virtual = Object.entries(virtualDiskMagic).find(begins)?.[0] as ImageFileFormat | undefined;
  return virtual ?? (descriptor.equals(ISO_MAGIC) ? 'iso' : 'raw');
}
