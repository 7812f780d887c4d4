import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { sep } from 'node:path';
import { errnoOf } from '@ict/integrity';
import { unlessUnread, type Unseen } from './unread.js';

/** A file of which not all names were met where something was measured. */
export interface SharedFile {
  /** Tells one file from another. */
  readonly file: string;
  /** How many names it has. */
  readonly names: number;
  /** How many of them were met. */
  readonly met: number;
  readonly allocatedBytes: number;
}

/** What something takes on disk, and when it last changed. */
interface Measure {
  /** A file with several names counts once. */
  readonly allocatedBytes: number;
  /** Seconds since 1970. */
  readonly changedAt: number;
  /** That it is a file. */
  readonly plain: boolean;
  /** What of it has other names elsewhere; absent for most. */
  readonly shared?: readonly SharedFile[];
}

/** A list from which one thing after the other is taken, such as an array. */
export interface Column<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** What lies in one directory: columns of the same length, sorted by name. */
export interface DirectoryFiles {
  readonly names: Column<string>;
  /** What each takes on disk, directories with all that is in them. */
  readonly allocatedBytes: readonly number[];
  /** When each last changed, seconds since 1970. */
  readonly changedAt: readonly number[];
  /** By name, what has other names elsewhere; absent where nothing has. */
  readonly shared?: ReadonlyMap<string, readonly SharedFile[]>;
}

/**
 * Looks at each thing in a directory; what vanishes meanwhile is left out. `plain` says that all are files.
 *
 * @param unseen is told of the directory, or of those in it that cannot be looked at whole: they are left out.
 * @param wanted names of those that are looked at; default: all.
 */
export function lookAtFiles(
  directory: string,
  unseen: Unseen,
  wanted = namesIn(directory, unseen),
): DirectoryFiles & { readonly names: readonly string[]; readonly plain: boolean } {
  const names: string[] = [];
  const allocatedBytes: number[] = [];
  const changedAt: number[] = [];
  const shared = new Map<string, readonly SharedFile[]>();
  let plain = true;
  for (const name of wanted) {
    const path = directory + sep + name;
    const found = unlessUnread(path, unseen, () => measure(path));
    if (found === undefined) continue;
    names.push(name);
    allocatedBytes.push(found.allocatedBytes);
    changedAt.push(found.changedAt);
    if (found.shared !== undefined) shared.set(name, found.shared);
    plain &&= found.plain;
  }
  return { names, allocatedBytes, changedAt, plain, ...(shared.size === 0 ? {} : { shared }) };
}

/** Names in a directory, sorted by UTF-16 code units; none when it is absent or no directory, or `unseen` was told of it. */
export function namesIn(path: string, unseen: Unseen): readonly string[] {
  return unlessUnread(path, unseen, () => readdirSync(path))?.sort() ?? [];
}

/** Names of directories in a directory, likewise. */
export function directoriesIn(path: string, unseen: Unseen): readonly string[] {
  const entries: readonly Dirent[] = unlessUnread(path, unseen, () => readdirSync(path, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/**
 * What a directory takes on disk with all that is in it, as `du` says.
 *
 * @param unseen is told of each file and directory that cannot be looked at, and does not count.
 */
export function measureDirectory(path: string, unseen: Unseen): number {
  return measureBelow(statsBelow(path, unseen)).allocatedBytes;
}

/**
 * What a file or a directory with all below it takes, but for what in a directory this user may not look at, as in a tree with files of other
 * users; undefined when it is gone.
 *
 * @throws Node's own errors for what cannot be looked at for another reason.
 */
export function measure(path: string): Measure | undefined {
  const top = lstatSync(path, { throwIfNoEntry: false });
  if (top === undefined) return undefined;
  const changedAt = Math.floor(top.ctimeMs / 1000);
  if (!top.isDirectory()) {
    const plain = top.isFile();
    const allocatedBytes = top.blocks * 512;
    return top.nlink > 1
      ? { allocatedBytes, changedAt, plain, shared: [{ file: identityOf(top), names: top.nlink, met: 1, allocatedBytes }] }
      : { allocatedBytes, changedAt, plain };
  }
  const below = statsBelow(path, (_path, error) => {
    if (errnoOf(error) !== 'EACCES') throw error;
  });
  return { ...measureBelow(below), changedAt, plain: false };
}

/** What files and directories take together, and which of the files have other names than those met. */
function measureBelow(found: Iterable<Stats>): Pick<Measure, 'allocatedBytes' | 'shared'> {
  let allocatedBytes = 0;
  const linked = new Map<string, SharedFile>();
  for (const stats of found) {
    const bytes = stats.blocks * 512;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      const file = identityOf(stats);
      const met = (linked.get(file)?.met ?? 0) + 1;
      linked.set(file, { file, names: stats.nlink, met, allocatedBytes: bytes });
      if (met > 1) continue;
    }
    allocatedBytes += bytes;
  }
  const shared = [...linked.values()].filter(({ names, met }) => names > met);
  return { allocatedBytes, ...(shared.length === 0 ? {} : { shared }) };
}

/** A path as one character a byte: names in trees and in mounts need not be UTF-8. */
type RawPath = string;

/**
 * What the file system says of a file or directory, and then of all that is below it. What is gone meanwhile is left out.
 *
 * @param unseen is told of each directory, and each file in one, that cannot be looked at.
 */
export function* statsBelow(path: string, unseen: Unseen): Generator<Stats, undefined, undefined> {
  const pending: RawPath[] = [];
  for (let here: RawPath | undefined = Buffer.from(path).toString('latin1'); here !== undefined; here = pending.pop()) {
    const place = Buffer.from(here, 'latin1');
    const stats = unlessUnread(place, unseen, () => lstatSync(place, { throwIfNoEntry: false }));
    if (stats === undefined) continue;
    yield stats;
    if (!stats.isDirectory()) continue;
    for (const name of unlessUnread(place, unseen, () => readdirSync(place, 'latin1')) ?? []) pending.push(here + sep + name);
  }
  return undefined;
}

export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
