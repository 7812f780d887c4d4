import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { sep } from 'node:path';
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

/** Is told what could not be looked at, which is then left out. */
export type Unseen = (path: string, error: unknown) => void;

const passOn: Unseen = (_path, error) => {
  throw error;
};

/**
 * Looks at each thing in a directory; what vanishes meanwhile is left out. `plain` says that all are files.
 *
 * @param wanted names of those that are looked at; default: all.
 * @throws Node's own errors for what is there and cannot be looked at, unless they go to `unseen`.
 */
export function lookAtFiles(
  directory: string,
  wanted = namesIn(directory),
  unseen = passOn,
): DirectoryFiles & { readonly names: readonly string[]; readonly plain: boolean } {
  const names: string[] = [];
  const allocatedBytes: number[] = [];
  const changedAt: number[] = [];
  const shared = new Map<string, readonly SharedFile[]>();
  let plain = true;
  for (const name of wanted) {
    const found = measureUnless(unseen, directory + sep + name);
    if (found === undefined) continue;
    names.push(name);
    allocatedBytes.push(found.allocatedBytes);
    changedAt.push(found.changedAt);
    if (found.shared !== undefined) shared.set(name, found.shared);
    plain &&= found.plain;
  }
  return { names, allocatedBytes, changedAt, plain, ...(shared.size === 0 ? {} : { shared }) };
}

function measureUnless(unseen: Unseen, path: string): Measure | undefined {
  try {
    return measure(path);
  } catch (error) {
    unseen(path, error);
    return undefined;
  }
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
  const top = unlessAbsent(() => lstatSync(path, { throwIfNoEntry: false }));
  if (top === undefined) return undefined;
  let allocatedBytes = 0;
  const changedAt = Math.floor(top.ctimeMs / 1000);
  if (!top.isDirectory()) {
    const plain = top.isFile();
    allocatedBytes = top.blocks * 512;
    return top.nlink > 1
      ? { allocatedBytes, changedAt, plain, shared: [{ file: identityOf(top), names: top.nlink, met: 1, allocatedBytes }] }
      : { allocatedBytes, changedAt, plain };
  }
  const linked = new Map<string, SharedFile>();
  for (const stats of statsBelow(path)) {
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
  return { allocatedBytes, changedAt, plain: false, ...(shared.length === 0 ? {} : { shared }) };
}

/** A path as one character a byte: names in trees and in mounts need not be UTF-8. */
type RawPath = string;

/**
 * What the file system says of a file or directory, and then of all that is below it. What is gone meanwhile is left out.
 *
 * @param refused is told of each directory, and each file in one, that may not be looked at.
 */
export function* statsBelow(path: string, refused: () => void = () => undefined): Generator<Stats, undefined, undefined> {
  const pending: RawPath[] = [];
  for (let here: RawPath | undefined = Buffer.from(path).toString('latin1'); here !== undefined; here = pending.pop()) {
    const place = Buffer.from(here, 'latin1');
    const stats = unlessAbsent(() => lstatSync(place, { throwIfNoEntry: false }), refused);
    if (stats === undefined) continue;
    yield stats;
    if (!stats.isDirectory()) continue;
    for (const name of unlessAbsent(() => readdirSync(place, 'latin1'), refused) ?? []) pending.push(here + sep + name);
  }
  return undefined;
}

export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function list(path: string): readonly Dirent[] {
  return unlessAbsent(() => readdirSync(path, { withFileTypes: true })) ?? [];
}

/** Undefined for what is gone, or may not be looked at, of which `refused` is told. */
function unlessAbsent<T>(look: () => T, refused: () => void = () => undefined): T | undefined {
  try {
    return look();
  } catch (error) {
    const reason = errnoOf(error) ?? '';
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(reason)) throw error;
    if (reason === 'EACCES') refused();
    return undefined;
  }
}
