import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { errnoOf } from '@ict/integrity';

/** What lies in one directory: columns of the same length, sorted by name. */
export interface DirectoryFiles {
  readonly names: readonly string[];
  /** What each takes on disk, directories with all that is in them. */
  readonly allocatedBytes: readonly number[];
  /** When each last changed, seconds since 1970. */
  readonly changedAt: readonly number[];
}

/** Looks at each thing in a directory; what vanishes meanwhile is left out. `plain` says that all are files. */
export function lookAtFiles(directory: string): DirectoryFiles & { readonly plain: boolean } {
  const names: string[] = [];
  const allocatedBytes: number[] = [];
  const changedAt: number[] = [];
  let plain = true;
  for (const name of namesIn(directory)) {
    const found = measure(directory + sep + name);
    if (found === undefined) continue;
    names.push(name);
    allocatedBytes.push(found.allocatedBytes);
    changedAt.push(found.changedAt);
    plain &&= found.plain;
  }
  return { names, allocatedBytes, changedAt, plain };
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

/** What a directory takes on disk with all that is in it and may be looked at. */
export function measureDirectory(path: string): number {
  return measure(path)?.allocatedBytes ?? 0;
}

/** What a file or a directory with all below it takes, and when it last changed, seconds since 1970; undefined when it is gone. */
export function measure(
  path: string,
): { readonly allocatedBytes: number; readonly changedAt: number; readonly plain: boolean } | undefined {
  const top = look(path);
  if (top === undefined) return undefined;
  let allocatedBytes = top.blocks * 512;
  const changedAt = Math.floor(top.ctimeMs / 1000);
  if (!top.isDirectory()) return { allocatedBytes, changedAt, plain: top.isFile() };
  const pending = [path];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of list(directory)) {
      const child = join(directory, entry.name);
      allocatedBytes += (look(child)?.blocks ?? 0) * 512;
      if (entry.isDirectory()) pending.push(child);
    }
  }
  return { allocatedBytes, changedAt, plain: false };
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
