import type { TreePath, TreeRecord } from '@ict/plugin-api';

/** How a filesystem plans its inodes. */
export interface InodePlanner<Inode> {
  /** What is the first name in the root, whether or not the tree has it. */
  readonly first?: TreeRecord;
  /** Makes the inode of a record; the first is that of the root, which has no parent. */
  add(record: TreeRecord, parent: Inode | undefined): Inode;
  /** Gives an inode a name in a directory. */
  join(parent: Inode, name: string, inode: Inode): void;
}

/** A directory of root's, as one that the tree does not have. */
export function madeDirectory(path: TreePath, mode: number, seconds: number): TreeRecord {
  return { path, type: 'directory', mode, uid: 0, gid: 0, mtimeSeconds: seconds };
}

/**
 * Goes through the part of a tree that becomes a filesystem: each file once, each of its names in the order of the records.
 *
 * @param records directories before what they hold. An empty tree has an empty root.
 * @returns the path of what should be the root directory and is none; undefined when all went well.
 */
export function planNames<Inode>(
  records: readonly TreeRecord[],
  root: TreePath,
  seconds: number,
  { first, add, join }: InodePlanner<Inode>,
): TreePath | undefined {
  const byPath = new Map(records.map((record) => [record.path, record]));
  const top = byPath.get(root) ?? (records.length === 0 ? madeDirectory('/', 0o755, seconds) : undefined);
  if (top?.type !== 'directory') return root;
  const prefix = root === '/' ? '' : root;
  const planned = new Map<TreeRecord, Inode>();
  const directories = new Map<string, Inode>([[prefix, add(top, undefined)]]);
  for (const record of first === undefined ? records : [first, ...records.filter((one) => one !== first)]) {
    if (!record.path.startsWith(`${prefix}/`) || record.path === '/') continue;
    const slash = record.path.lastIndexOf('/');
    const parent = directories.get(record.path.slice(0, slash)) as Inode;
    const file = record.hardlinkOf === undefined ? record : (byPath.get(record.hardlinkOf) as TreeRecord);
    const inode = planned.get(file) ?? add(file, parent);
    planned.set(file, inode);
    if (record.type === 'directory') directories.set(record.path, inode);
    join(parent, record.path.slice(slash + 1), inode);
  }
  return undefined;
}
