import { diskError } from './errors.js';

/**
 * What a FAT filesystem cannot hold.
 *
 * @param path in the image.
 * @param partition id.
 * @param reason follows "it".
 */
export function fatFileError(path: string, partition: string, reason: string): Error {
  return diskError('ICT_DISK_FAT_FILE', {
    message: `${path} cannot be stored on partition "${partition}", which has a FAT filesystem: it ${reason}`,
    hint: 'Mount that partition elsewhere, or give it an ext4 filesystem.',
    facts: { path, partition, reason },
  });
}
