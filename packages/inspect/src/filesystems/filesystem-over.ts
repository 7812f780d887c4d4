import { isUtf8 } from 'node:buffer';
import { compareText } from '@ict/integrity';
import type { FileEntry, ReadableFilesystem } from './filesystem.js';

/** No path of Linux leads deeper: it has 4096 bytes. */
const DEEPEST = 2048;
/** More than a system has, and as many as can be held against others. */
const MOST_NAMES = 4 * 1024 * 1024;
/** The same of the characters of paths, targets and attributes. */
const MOST_CHARACTERS = 512 * 1024 * 1024;
/** What no directory has but as itself, and what is above it. */
const NO_NAMES: readonly string[] = ['', '.', '..'];

/** How much is held. */
export interface Held {
  names: number;
  characters: number;
}

/** Counts what is held of one more entry. @throws RangeError where that is too much. */
export function hold(held: Held, entry: Pick<FileEntry, 'path' | 'target' | 'attributes'>): void {
  if (++held.names > MOST_NAMES) throw new RangeError(`it has more than ${MOST_NAMES} names`);
  if ((held.characters += charactersOf(entry)) > MOST_CHARACTERS)
    throw new RangeError(`its paths, targets and attributes have more than ${MOST_CHARACTERS} characters`);
}

/** What a walk met so far. */
interface Seen extends Held {
  /** One that is met again holds itself, or is held twice, and the walk might never end. */
  readonly directories: Set<number>;
}

/**
 * A filesystem from what lists one directory of it.
 *
 * @param root its root directory; its path is `/`.
 * @param children entries of a directory, in any order.
 */
export function filesystemOver(root: FileEntry, children: (directory: FileEntry) => AsyncIterable<FileEntry>): ReadableFilesystem {
  const entriesOf = async (directory: FileEntry, depth: number, seen: Seen): Promise<Iterator<FileEntry, undefined>> => {
    if (seen.directories.has(directory.inode)) throw new RangeError(`the directory ${directory.path} has another name already`);
    if (depth > DEEPEST) throw new RangeError(`${directory.path} lies deeper than ${DEEPEST} directories`);
    seen.directories.add(directory.inode);
    return (await sorted(children(directory), seen)).values();
  };
  /** A generator within another for each directory would hand each name up through all of them. */
  async function* walk(): AsyncGenerator<FileEntry, void, undefined> {
    yield root;
    const seen: Seen = { directories: new Set(), names: 0, characters: 0 };
    const open = [await entriesOf(root, 0, seen)];
    for (let deepest = open.at(-1); deepest !== undefined; deepest = open.at(-1)) {
      const { value: entry } = deepest.next();
      if (entry === undefined) {
        open.pop();
        continue;
      }
      yield entry;
      if (entry.type === 'directory') open.push(await entriesOf(entry, open.length, seen));
    }
  }
  const find = async (path: string): Promise<FileEntry | undefined> => {
    let found: FileEntry | undefined = root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (found?.type !== 'directory') return undefined;
      const wanted = pathBelow(found, name);
      const entries = children(found);
      found = undefined;
      for await (const entry of entries) if (entry.path === wanted) found = entry;
    }
    return found;
  };
  return {
    walk,
    find,
    list: async (path) => {
      const directory = await find(path);
      return directory?.type === 'directory' ? sorted(children(directory), { names: 0, characters: 0 }) : undefined;
    },
  };
}

/** The path of a name in a directory. @throws RangeError for what is no name: the path would be that of another file. */
export function childPath(directory: FileEntry, name: string): string {
  if (NO_NAMES.includes(name) || /[/\0]/u.test(name)) throw new RangeError(`the directory ${directory.path} has a name that is none`);
  return pathBelow(directory, name);
}

function pathBelow({ path }: FileEntry, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** A name, or what a link leads to, as a text: where it is no UTF-8, its bytes as `\xNN`, so that names that differ in such bytes alone stay apart. */
export function nameText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  return bytes.toString('latin1').replace(/[\x80-\xff]/gu, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

async function sorted(entries: AsyncIterable<FileEntry>, held: Held): Promise<readonly FileEntry[]> {
  const found: FileEntry[] = [];
  for await (const entry of entries) {
    hold(held, entry);
    found.push(entry);
  }
  found.sort((a, b) => compareText(a.path, b.path));
  const twice = found.find(({ path }, index) => path === found[index + 1]?.path);
  if (twice !== undefined) throw new RangeError(`${twice.path} is there twice`);
  return found;
}

function charactersOf({ path, target = '', attributes = {} }: Parameters<typeof hold>[1]): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + value.length, path.length + target.length);
}
