import type { TreePath, TreeRecord } from '@ict/plugin-api';
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
export function planInodes(records: readonly TreeRecord[], root: TreePath, seconds: number): readonly PlannedInode[] | string {
  const byPath = new Map(records.map((record) => [record.path, record]));
  const emptyDirectory: TreeRecord = { path: '/', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtimeSeconds: seconds };
  const top = byPath.get(root) ?? (records.length === 0 ? emptyDirectory : undefined);
  if (top?.type !== 'directory') return root;
  const inodes: PlannedInode[] = [];
  const planned = new Map<TreeRecord, PlannedInode>();
  const directories = new Map<string, PlannedInode>();
  const add = (record: TreeRecord, parent: PlannedInode | undefined): PlannedInode => {
    const number = inodes.length === 0 ? ROOT_INODE : FIRST_FREE_INODE + inodes.length - 1;
    const isDirectory = record.type === 'directory';
    const inode: PlannedInode = {
      number,
      record,
      links: isDirectory ? 2 : 0,
      entries: [],
      parent: isDirectory ? (parent ?? undefined) : undefined,
    };
    inodes.push(inode);
    planned.set(record, inode);
    return inode;
  };
  const prefix = root === '/' ? '' : root;
  const join = (parent: PlannedInode, name: string, inode: PlannedInode): void => {
    parent.entries.push({ name, inode });
    if (inode.record.type === 'directory') parent.links++;
    else inode.links++;
  };
  const rootInode = add(top, undefined);
  directories.set(prefix, rootInode);
  // Always inode 11, and the first name of the root.
  const lost = byPath.get(`${prefix}/${LOST_AND_FOUND}`) ?? { ...emptyDirectory, path: `${prefix}/${LOST_AND_FOUND}`, mode: 0o700 };
  if (lost.type !== 'directory') return lost.path;
  const lostInode = add(lost, rootInode);
  directories.set(lost.path, lostInode);
  join(rootInode, LOST_AND_FOUND, lostInode);
  for (const record of records) {
    if (!record.path.startsWith(`${prefix}/`) || record.path === '/' || planned.has(record)) continue;
    const slash = record.path.lastIndexOf('/');
    const parent = directories.get(record.path.slice(0, slash)) as PlannedInode;
    const file = record.hardlinkOf === undefined ? record : (byPath.get(record.hardlinkOf) as TreeRecord);
    const inode = planned.get(file) ?? add(file, parent);
    if (record.type === 'directory') directories.set(record.path, inode);
    join(parent, record.path.slice(slash + 1), inode);
  }
  return inodes;
}
