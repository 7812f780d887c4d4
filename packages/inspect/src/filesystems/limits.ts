/** No target of Linux is longer. */
export const MOST_TARGET_BYTES = 4096;
/** No file of ext4 is larger, and none of any image; more would be read for hours, though it were a hole. */
export const MOST_FILE_BYTES = 16 * 1024 ** 4;
