import type { TreePath, TreeRecord } from '@ict/plugin-api';
import { OBJECT } from './format.js';

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
export function planInodes(records: readonly TreeRecord[], root: TreePath, seconds: number): readonly PlannedInode[] | string {
  const byPath = new Map(records.map((record) => [record.path, record]));
  const emptyDirectory: TreeRecord = { path: '/', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtimeSeconds: seconds };
  const top = byPath.get(root) ?? (records.length === 0 ? emptyDirectory : undefined);
  if (top?.type !== 'directory') return root;
  const inodes: PlannedInode[] = [];
  const planned = new Map<TreeRecord, PlannedInode>();
  const directories = new Map<string, PlannedInode>();
  const add = (record: TreeRecord): PlannedInode => {
    const inode: PlannedInode = { number: OBJECT.firstFile + inodes.length, record, names: [], entries: [] };
    inodes.push(inode);
    planned.set(record, inode);
    return inode;
  };
  const prefix = root === '/' ? '' : root;
  directories.set(prefix, add(top));
  for (const record of records) {
    if (!record.path.startsWith(`${prefix}/`) || record.path === '/') continue;
    const slash = record.path.lastIndexOf('/');
    const parent = directories.get(record.path.slice(0, slash)) as PlannedInode;
    const file = record.hardlinkOf === undefined ? record : (byPath.get(record.hardlinkOf) as TreeRecord);
    const inode = planned.get(file) ?? add(file);
    if (record.type === 'directory') directories.set(record.path, inode);
    const name = Buffer.from(record.path.slice(slash + 1));
    const index = FIRST_INDEX + parent.entries.length;
    parent.entries.push({ name, index, inode });
    inode.names.push({ parent, name, index });
  }
  return inodes;
}
