import type { FileEntry, OpenedFilesystem } from './filesystem.js';
import { openFilesystem } from './open-filesystem.js';

/** Of an image no more filesystems in files are looked at: media have some layers of a system, and one may name itself by each of its files. */
export const MOST_INSIDE = 64;

/**
 * Opens the filesystem that a file of another one consists of, such as the squashfs of a live system on its ISO image.
 *
 * @returns undefined for any other file, and where its content cannot be read at any place.
 * @throws RangeError where it is damaged, with the path of the file.
 */
export async function openInside({ path, bytes }: FileEntry): Promise<OpenedFilesystem | undefined> {
  if (bytes === undefined) return undefined;
  try {
    return await openFilesystem(bytes);
  } catch (cause) {
    throw cause instanceof RangeError ? new RangeError(`${path}: ${cause.message}`, { cause }) : cause;
  }
}
