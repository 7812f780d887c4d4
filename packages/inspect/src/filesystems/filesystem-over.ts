import { compareText } from '@ict/integrity';
import type { FileEntry, ReadableFilesystem } from './filesystem.js';

/** No path of Linux leads deeper: it has 4096 bytes. */
const DEEPEST = 2048;
/** More than a system has, and as many as can be held against others. */
const MOST_NAMES = 4 * 1024 * 1024;

/** What a walk met so far. */
interface Seen {
  /** One that is met again holds itself, or is held twice, and the walk might never end. */
  readonly directories: Set<number>;
  names: number;
}

/**
 * A filesystem from what lists one directory of it.
 *
 * @param root its root directory; its path is `/`.
 * @param children entries of a directory, in any order.
 */
export function filesystemOver(root: FileEntry, children: (directory: FileEntry) => Promise<readonly FileEntry[]>): ReadableFilesystem {
  async function* below(directory: FileEntry, depth: number, seen: Seen): AsyncGenerator<FileEntry, void, undefined> {
    if (seen.directories.has(directory.inode)) throw new RangeError(`the directory ${directory.path} has another name already`);
    if (depth > DEEPEST) throw new RangeError(`${directory.path} lies deeper than ${DEEPEST} directories`);
    seen.directories.add(directory.inode);
    for (const entry of sorted(await children(directory))) {
      if (++seen.names > MOST_NAMES) throw new RangeError(`it has more than ${MOST_NAMES} names`);
      yield entry;
      if (entry.type === 'directory') yield* below(entry, depth + 1, seen);
    }
  }
  const find = async (path: string): Promise<FileEntry | undefined> => {
    let found: FileEntry | undefined = root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (found?.type !== 'directory') return undefined;
      const wanted = childPath(found, name);
      found = (await children(found)).find((entry) => entry.path === wanted);
    }
    return found;
  };
  return {
    walk: async function* () {
      yield root;
      yield* below(root, 0, { directories: new Set(), names: 0 });
    },
    find,
    list: async (path) => {
      const directory = await find(path);
      return directory?.type === 'directory' ? sorted(await children(directory)) : undefined;
    },
  };
}

/** The path of a name in a directory. */
export function childPath(directory: FileEntry, name: string): string {
  return directory.path === '/' ? `/${name}` : `${directory.path}/${name}`;
}

function sorted(entries: readonly FileEntry[]): readonly FileEntry[] {
  return entries.toSorted((a, b) => compareText(a.path, b.path));
}
