/** No target of Linux is longer. */
export const MOST_TARGET_BYTES = 4096;
/** No file of ext4 is larger, and none of any image; more would be read for hours, though it were a hole. */
export const MOST_FILE_BYTES = 16 * 1024 ** 4;
/** No value of an extended attribute is longer, as Linux has it. */
export const MOST_ATTRIBUTE_BYTES = 65_536;
/** More than a file has: Linux lists no more names of them than fit in 65,536 bytes, and most are longer than 16. */
export const MOST_ATTRIBUTES = 4096;
/** More than any directory of a system has, where its names are in blocks of their own. */
export const MOST_DIRECTORY_BYTES = 256 * 1024 * 1024;
/** The same of names that lie one behind the other: as many bytes are a million names. */
export const MOST_LISTING_BYTES = 32 * 1024 * 1024;
/** What an initrd may become that is compressed: it has to fit into the memory of a machine that starts from it. */
export const MOST_UNPACKED_BYTES = 16 * 1024 ** 3;
