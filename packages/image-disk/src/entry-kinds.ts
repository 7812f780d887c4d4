import type { EntryType } from '@ict/plugin-api';

/** Kinds of entries as directories of ext4, btrfs and xfs number them. @see include/linux/fs_types.h of the kernel */
export const ENTRY_KINDS: Readonly<Record<EntryType, number>> = {
  file: 1,
  directory: 2,
  character: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
};
