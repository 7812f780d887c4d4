import { openUnifiedImage } from '../read-unified-image.js';
import type { FileEntry, OpenedFilesystem } from './filesystem.js';
import { openInitrd } from './initrd.js';
import { openFilesystem } from './open-filesystem.js';

/** Of a filesystem no more files are looked into: media have some layers of a system, and one may name itself by each of its files. */
export const MOST_INSIDE = 64;

/**
 * Opens what a file consists of: a filesystem, such as the squashfs of a live system on its ISO image, an initrd, or a unified kernel image, whose sections are its files.
 * Files in an initrd are not looked into: all of it would be read for each.
 *
 * @returns undefined for any other file, and for a filesystem whose bytes cannot be read at any place.
 * @throws RangeError where a filesystem is damaged, with the path of the file; the signal's reason.
 */
export async function openInside(entry: FileEntry, signal?: AbortSignal): Promise<OpenedFilesystem | undefined> {
  if (entry.type !== 'file' || entry.digest !== undefined) return undefined;
  return (await openFilesystemInside(entry)) ?? (await openUnifiedImage(entry)) ?? (await openInitrd(entry, signal));
}

/** The same of filesystems alone. */
export async function openFilesystemInside({ path, bytes }: FileEntry): Promise<OpenedFilesystem | undefined> {
  if (bytes === undefined) return undefined;
  try {
    return await openFilesystem(bytes);
  } catch (cause) {
    throw cause instanceof RangeError ? new RangeError(`${path}: ${cause.message}`, { cause }) : cause;
  }
}
