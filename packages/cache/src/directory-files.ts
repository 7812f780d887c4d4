import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { errnoOf } from '@ict/integrity';

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
 * @param wanted names of those that are looked at; default: all.
 */
export function lookAtFiles(
  directory: string,
  wanted = namesIn(directory),
): DirectoryFiles & { readonly names: readonly string[]; readonly plain: boolean } {
  const names: string[] = [];
  const allocatedBytes: number[] = [];
  const changedAt: number[] = [];
  const shared = new Map<string, readonly SharedFile[]>();
  let plain = true;
  for (const name of wanted) {
    const found = measure(directory + sep + name);
    if (found === undefined) continue;
    names.push(name);
    allocatedBytes.push(found.allocatedBytes);
    changedAt.push(found.changedAt);
    if (found.shared !== undefined) shared.set(name, found.shared);
    plain &&= found.plain;
  }
  return { names, allocatedBytes, changedAt, plain, ...(shared.size === 0 ? {} : { shared }) };
}

/** Names in a directory, sorted by UTF-16 code units; none when it is absent or may not be read. */
export function namesIn(path: string): readonly string[] {
  return unlessAbsent(() => readdirSync(path))?.sort() ?? [];
}

/** Names of directories in a directory, likewise. */
export function directoriesIn(path: string): readonly string[] {
  return list(path)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** What a directory takes on disk with all that is in it and may be looked at, as `du` says. */
export function measureDirectory(path: string): number {
  return measure(path)?.allocatedBytes ?? 0;
}

/** What a file or a directory with all below it takes; undefined when it is gone. */
export function measure(path: string): Measure | undefined {
  const top = look(path);
  if (top === undefined) return undefined;
  let allocatedBytes = top.blocks * 512;
  const changedAt = Math.floor(top.ctimeMs / 1000);
  if (!top.isDirectory()) {
    const plain = top.isFile();
    return top.nlink > 1
      ? { allocatedBytes, changedAt, plain, shared: [{ file: identityOf(top), names: top.nlink, met: 1, allocatedBytes }] }
      : { allocatedBytes, changedAt, plain };
  }
  const linked = new Map<string, SharedFile>();
  const pending = [path];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of list(directory)) {
      const child = join(directory, entry.name);
      if (entry.isDirectory()) pending.push(child);
      const stats = look(child);
      if (stats === undefined) continue;
      const bytes = stats.blocks * 512;
      if (stats.nlink > 1 && !entry.isDirectory()) {
        const file = identityOf(stats);
        const met = (linked.get(file)?.met ?? 0) + 1;
        linked.set(file, { file, names: stats.nlink, met, allocatedBytes: bytes });
        if (met > 1) continue;
      }
      allocatedBytes += bytes;
    }
  }
  const shared = [...linked.values()].filter(({ names, met }) => names > met);
  return { allocatedBytes, changedAt, plain: false, ...(shared.length === 0 ? {} : { shared }) };
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function list(path: string): readonly Dirent[] {
  return unlessAbsent(() => readdirSync(path, { withFileTypes: true })) ?? [];
}

function look(path: string): Stats | undefined {
  return unlessAbsent(() => lstatSync(path, { throwIfNoEntry: false }));
}

/** Undefined for what is gone, or may not be looked at. */
function unlessAbsent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
