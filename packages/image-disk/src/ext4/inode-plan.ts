import type { TreePath, TreeRecord } from '@ict/plugin-api';
import { madeDirectory, planNames } from '../plan-names.js';
import { FIRST_FREE_INODE } from './geometry.js';

export const ROOT_INODE = 2;
const LOST_AND_FOUND = 'lost+found';

/** A file, directory or other object of the filesystem to be. */
export interface PlannedInode {
  readonly number: number;
  /** Tells everything; its path is that of the first name, in the tree. */
  readonly record: TreeRecord;
  links: number;
  /** What is in a directory, in order; empty for anything else. */
  readonly entries: { readonly name: string; readonly inode: PlannedInode }[];
  /** Of a directory. */
  readonly parent: PlannedInode | undefined;
}

/** @returns the inodes in the order of their numbers, the root first; or the path of what should be a directory and is none. */
export function planInodes(records: readonly TreeRecord[], root: TreePath, seconds: number): readonly PlannedInode[] | TreePath {
  const lostPath = `${root === '/' ? '' : root}/${LOST_AND_FOUND}`;
  const lost = records.find(({ path }) => path === lostPath) ?? madeDirectory(lostPath, 0o700, seconds);
  if (lost.type !== 'directory') return lost.path;
  const inodes: PlannedInode[] = [];
  const wrong = planNames<PlannedInode>(records, root, seconds, {
    first: lost, // always inode 11
    add: (record, parent) => {
      const number = inodes.length === 0 ? ROOT_INODE : FIRST_FREE_INODE + inodes.length - 1;
      const isDirectory = record.type === 'directory';
      const inode: PlannedInode = { number, record, links: isDirectory ? 2 : 0, entries: [], parent: isDirectory ? parent : undefined };
      inodes.push(inode);
      return inode;
    },
    join: (parent, name, inode) => {
      parent.entries.push({ name, inode });
      if (inode.record.type === 'directory') parent.links++;
      else inode.links++;
    },
  });
  return wrong ?? inodes;
}
