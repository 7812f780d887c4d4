import type { StatsFs } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, ignoreSystemError } from '@ict/integrity';

/** What the system says of a file system: its kind as a number, and its room in blocks. */
export type FileSystemState = Pick<StatsFs, 'type' | 'bavail' | 'blocks' | 'bsize'> & Partial<Pick<StatsFs, 'files' | 'ffree'>>;

/** Asks for the file system of a path that exists; for tests that need another one than there is. */
export type AskFileSystem = (path: string) => Promise<FileSystemState>;

/**
 * The file system that holds `path`, or would hold it: for a path that does not exist yet, that of its nearest parent that does.
 *
 * @throws Node's own error when even that cannot be asked.
 */
export async function fileSystemOf(path: string, ask: AskFileSystem = statfs): Promise<FileSystemState> {
  try {
    return await ask(path);
  } catch (error) {
    const code = errnoOf(error);
    // ENOTDIR: a file lies where a directory is wanted; whoever makes the directory will say so.
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error;
    return fileSystemOf(dirname(path), ask);
  }
}

/**
 * Kinds of file systems on which the kernel lets no overlay keep what is written, or on which another machine could change it meanwhile.
 *
 * @see linux/magic.h, and `ovl_dentry_remote` of the kernel
 */
const NOT_FOR_TREES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x794c7630, 'an overlay'],
]);

/**
 * Why trees cannot be made in a directory, after its name; undefined when they can, as far as its file system and its group tell, and for a
 * path that cannot be looked at.
 */
export async function unfitForTrees(path: string, ask?: AskFileSystem): Promise<string | undefined> {
  try {
    const { type } = await fileSystemOf(path, ask);
    const name = NOT_FOR_TREES.get(type >>> 0); // a 32-bit number, which some systems give a sign
    return name === undefined ? await unfitGroup(path) : `lies on ${name}, where an overlay cannot keep what is written`;
  } catch (error) {
    return ignoreSystemError(error); // whoever writes there will say so
  }
}

const SETGID = 0o2000;

/**
 * Directories that users share give what is made in them to their group (setgid). In the namespace of an ordinary user there is no such group,
 * and the kernel mounts no overlay over what belongs to nobody that it knows.
 */
async function unfitGroup(path: string): Promise<string | undefined> {
  if (process.geteuid?.() === 0) return undefined;
  try {
    const { mode, gid } = await stat(path);
    const foreign = (mode & SETGID) !== 0 && gid !== process.getegid?.();
    return foreign ? `gives what is made in it to group ${gid}, which a user namespace of this user does not have` : undefined;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return unfitGroup(dirname(path));
  }
}
