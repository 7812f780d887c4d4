import type { EntryType } from '@ict/plugin-api';

/** Bits of `st_mode` that say what a file is. @see inode(7) */
export const FILE_TYPE_BITS: Readonly<Record<EntryType, number>> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};
