import type { TreePath, TreeRecord } from '@ict/plugin-api';
import { planNames } from '../plan-names.js';
import { RESERVED_INODES } from './superblock.js';

/** A file, directory or other object of the filesystem to be. */
export interface PlannedInode {
  /** How many inodes are before it. */
  readonly index: number;
  /** Tells everything; its path is that of the first name, in the tree. */
  readonly record: TreeRecord;
  links: number;
  /** What is in a directory, in order; empty for anything else. */
  readonly entries: { readonly name: Buffer; readonly inode: PlannedInode }[];
  /** The directory of its first name; undefined for the root. */
  readonly parent: PlannedInode | undefined;
}

/** @returns the inodes in the order of their numbers, the root first; or the path of what should be a directory and is none. */
export function planInodes(records: readonly TreeRecord[], root: TreePath, seconds: number): readonly PlannedInode[] | TreePath {
  const inodes: PlannedInode[] = [];
  const wrong = planNames<PlannedInode>(records, root, seconds, {
    add: (record, parent) => {
      const index = inodes.length === 0 ? 0 : RESERVED_INODES - 1 + inodes.length;
      const inode: PlannedInode = { index, record, links: record.type === 'directory' ? 2 : 0, entries: [], parent };
      inodes.push(inode);
      return inode;
    },
    join: (parent, text, inode) => {
      parent.entries.push({ name: Buffer.from(text), inode });
      if (inode.record.type === 'directory') parent.links++;
      else inode.links++;
    },
  });
  return wrong ?? inodes;
}
