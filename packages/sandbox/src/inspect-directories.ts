import { access, constants, mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDiskFull } from '@ict/integrity';
import { unfitForTrees, type AskFileSystem } from './file-system.js';
import { freeSpace } from './free-space.js';
import { allows } from './file-access.js';
import { check, type HostCheck } from './host-check.js';
import { currentUser } from './subordinate-ids.js';
import { TRIAL_PREFIX } from './trial.js';

/** A directory that a build writes in. */
export interface WrittenDirectory {
  readonly path: string;
  /** The room that its file system must have. */
  readonly wantedBytes: number;
  /** True where trees are made: overlays must be able to keep there what is written. The first of these takes the overlay trial. */
  readonly trees?: boolean;
  /** True for a directory that takes the result alone, which the user names: what is wrong with it is a check called `output`. */
  readonly output?: boolean;
}

/** The check that a directory takes no files, or cannot be made; undefined when it does, or can. */
export async function directoryRefusal(directory: WrittenDirectory): Promise<HostCheck | undefined> {
  const { path } = directory;
  if (!(await isDirectory(path))) return refusalToMake(directory);
  try {
    await rmdir(await mkdtemp(join(path, TRIAL_PREFIX)));
    return undefined;
  } catch (error) {
    if (isDiskFull(error)) return check('free space', false, `${path} takes no more files: its disk is full`, freeing(directory));
    return unwritable(directory, cannotWrite(path, error));
  }
}

/** The check that a directory which is not there cannot be made in its nearest parent that is; nothing is made to find out. */
async function refusalToMake(directory: WrittenDirectory): Promise<HostCheck | undefined> {
  const { path } = directory;
  const parent = await nearestExisting(path);
  const because = (reason: string): HostCheck => unwritable(directory, `${path} cannot be made: ${reason}`);
  if (!(await isDirectory(parent))) return because(`${parent} is no directory`);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
  } catch (error) {
    return because(cannotWrite(parent, error));
  }
  // The kernel has file systems of its own (proc, sysfs), on which root may write all and make nothing.
  const { totalBytes } = await freeSpace(parent);
  return totalBytes === 0 ? because(`the file system of ${parent} has no room for files`) : undefined;
}

function unwritable({ path, output }: WrittenDirectory, detail: string): HostCheck {
  return output === true
    ? check('output', false, detail, `Name a directory that you may write, instead of ${path}, with --output`)
    : check('directory', false, detail, `Use a directory of your own instead of ${path}: --work-dir, --cache-dir`);
}

/** The path itself, or the first of those above it that is there. */
export async function nearestExisting(path: string): Promise<string> {
  return (await allows(path, constants.F_OK)) ? path : nearestExisting(dirname(path));
}

function cannotWrite(directory: string, error: unknown): string {
  return `${currentUser().name} cannot write in ${directory}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
}

/** The check that trees cannot be made in a directory because of its file system or its group; undefined when they can. */
export async function fileSystemRefusal(directory: string, ask: AskFileSystem | undefined): Promise<HostCheck | undefined> {
  const why = await unfitForTrees(directory, ask);
  if (why === undefined) return undefined;
  const remedy = `Use a directory of your own on a local disk (ext4, xfs, btrfs) instead of ${directory}: --work-dir`;
  return check('file system', false, `${directory} ${why}`, remedy);
}

export async function directoryRoom(directory: WrittenDirectory): Promise<HostCheck> {
  const { path, wantedBytes } = directory;
  const { availableBytes } = await freeSpace(path);
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const detail = `${path} has ${gigabytes(availableBytes)} free; ${gigabytes(wantedBytes)} are wanted`;
  return check('free space', availableBytes >= wantedBytes, detail, freeing(directory));
}

function freeing({ path, output }: WrittenDirectory): string {
  return output === true
    ? `Free space in ${path}, or name another directory with --output`
    : `Free space in ${path} (what ict keeps there may be removed by hand), or use another directory: --work-dir, --cache-dir`;
}

function isDirectory(path: string): Promise<boolean> {
  return allows(`${path}/`, constants.F_OK);
}
