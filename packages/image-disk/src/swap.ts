import { uuidBytes } from '@ict/image-parts';

const PAGE_BYTES = 4096;
/** Longest label of a swap area, in bytes. */
export const SWAP_LABEL_BYTES = 16;

/** The smallest area: the kernel refuses fewer pages. */
export const SWAP_MINIMUM_BYTES = 10 * PAGE_BYTES;
/** The largest: the header counts pages in 32 bits. */
export const SWAP_MAXIMUM_BYTES = 2 ** 32 * PAGE_BYTES;

/**
 * First page of a swap area (version 1, 4 KiB pages): all that `mkswap` writes.
 *
 * @throws RangeError when the partition is too small or too large, or the label is too long.
 * @see union swap_header in the kernel's include/linux/swap.h
 */
export function encodeSwapHeader(sizeBytes: number, uuid: string, label: string | undefined): Uint8Array {
  if (sizeBytes < SWAP_MINIMUM_BYTES) throw new RangeError(`a swap area of ${sizeBytes} bytes is too small`);
  const pages = Math.floor(sizeBytes / PAGE_BYTES);
  const labelBytes = Buffer.from(label ?? '');
  if (labelBytes.length > SWAP_LABEL_BYTES) throw new RangeError(`label "${label}" is longer than ${SWAP_LABEL_BYTES} bytes`);
  const page = Buffer.alloc(PAGE_BYTES);
  page.writeUInt32LE(1, 1024);
  page.writeUInt32LE(pages - 1, 1028);
  page.set(uuidBytes(uuid), 1036);
  page.set(labelBytes, 1052);
  page.write('SWAPSPACE2', PAGE_BYTES - 10, 'latin1');
  return page;
}
