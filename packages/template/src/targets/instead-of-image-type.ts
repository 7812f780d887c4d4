import { diskTypes } from '../schema/disk.js';

/** What a disk image is to somebody who wanted another kind of image. */
const DISK_INSTEAD: ReadonlyMap<string, string> = new Map([
  ['img', 'is a disk that starts the same system, with an initrd that hands over to it'],
  ['iso', 'is a disk that can be written to a USB stick or a disk and starts from there, without an installation'],
  ['wsl2', 'is a disk for a machine or a virtual machine'],
]);

/**
 * What can be had in place of an image type that cannot, as a hint.
 *
 * @param makes the image types that some format makes.
 */
export function insteadOf(imageType: string, makes: readonly string[]): string {
  const supported = makes.length === 0 ? 'No image type is supported: install a plugin that makes one.' : `Supported: ${makes.join(', ')}.`;
  if (imageType === 'cpio' && makes.includes('img')) return 'That is the format of an initrd: use imageType: img.';
  if (!makes.includes('raw')) return supported;
  if ((diskTypes as readonly string[]).includes(imageType)) {
    return `That is a format of a disk image: use imageType: raw, and "type: ${imageType}" under disk.artifacts.`;
  }
  const disk = DISK_INSTEAD.get(imageType);
  if (disk === undefined) return supported;
  return `${supported} An image of type raw ${disk}; disk.artifacts has its file formats.`;
}
