import type { TreePath, TreeRecord } from '@ict/plugin-api';
import { BTRFS_OBJECT } from '@ict/image-parts';
import { planNames } from '../plan-names.js';

/** A name of a file in a directory. */
export interface PlannedName {
  readonly parent: PlannedInode;
  readonly name: Buffer;
  /** Its place among the names of the directory; the first is 2. */
  readonly index: number;
}

/** A file, directory or other object of the filesystem to be. */
export interface PlannedInode {
  readonly number: number;
  /** Tells everything; its path is that of the first name, in the tree. */
  readonly record: TreeRecord;
  readonly names: PlannedName[];
  /** What is in a directory, in order; empty for anything else. */
  readonly entries: { readonly name: Buffer; readonly index: number; readonly inode: PlannedInode }[];
}

const FIRST_INDEX = 2;

/** @returns the inodes in the order of their numbers, the root first; or the path of what should be a directory and is none. */
export function planInodes(records: readonly TreeRecord[], root: TreePath, seconds: number): readonly PlannedInode[] | TreePath {
  const inodes: PlannedInode[] = [];
  const wrong = planNames<PlannedInode>(records, root, seconds, {
    add: (record) => {
      const inode: PlannedInode = { number: BTRFS_OBJECT.firstFile + inodes.length, record, names: [], entries: [] };
      inodes.push(inode);
      return inode;
    },
    join: (parent, text, inode) => {
      const name = Buffer.from(text);
      const index = FIRST_INDEX + parent.entries.length;
      parent.entries.push({ name, index, inode });
      inode.names.push({ parent, name, index });
    },
  });
  return wrong ?? inodes;
}
