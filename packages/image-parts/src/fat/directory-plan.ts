import { compareText } from '@ict/integrity';
import { entriesOf, nameProblem } from './names.js';
import { MAX_ENTRIES } from './directory-entry.js';

/** A file by its place in the filesystem. */
export interface PlacedFile {
  /** Absolute path. */
  readonly target: string;
  readonly sizeBytes: number;
}

/** A directory, with what is in it in the order of the names. */
export interface PlannedDirectory<F extends PlacedFile> {
  /** '' for the root. */
  readonly path: string;
  readonly parent: PlannedDirectory<F> | undefined;
  readonly directories: Map<string, PlannedDirectory<F>>;
  readonly files: Map<string, F>;
  /** Entries that it takes, with those for itself and its parent, or the label of the volume. */
  entries: number;
}

/** Bytes that an entry can count. */
const MAX_FILE_BYTES = 2 ** 32 - 1;

/**
 * Makes the directories of a FAT filesystem, each before those in it, in the order of their paths; FAT knows no case, so that names which
 * differ only in case are one directory, and no two files.
 *
 * @param directories to make even when no file is in them.
 * @param labelled whether the volume has a label, which is an entry of the root.
 * @param refuse makes the error for a name, or a number or size of files, that FAT has not; the reason follows "it".
 * @throws what `refuse` makes.
 */
export function planDirectories<F extends PlacedFile>(
  files: readonly F[],
  directories: readonly string[],
  labelled: boolean,
  refuse: (path: string, reason: string) => Error,
): readonly PlannedDirectory<F>[] {
  const root: PlannedDirectory<F> = { path: '', parent: undefined, directories: new Map(), files: new Map(), entries: labelled ? 1 : 0 };
  const planned = [root];
  const known = new Map([['', root]]);
  const enter = (into: PlannedDirectory<F>, path: string): string => {
    const name = nameOf(path);
    const problem = nameProblem(name);
    if (problem !== undefined) throw refuse(path, problem);
    into.entries += entriesOf(name);
    if (into.entries > MAX_ENTRIES) throw refuse(into.path || '/', 'has more files than a directory of FAT can hold');
    return name;
  };
  const taken = new Set<string>();
  const directoryAt = (path: string): PlannedDirectory<F> => {
    const key = path.toLowerCase();
    const found = known.get(key);
    if (found !== undefined) return found;
    const parent = directoryAt(parentOf(path));
    const made: PlannedDirectory<F> = {
      path: `${parent.path}/${nameOf(path)}`,
      parent,
      directories: new Map(),
      files: new Map(),
      entries: 2,
    };
    parent.directories.set(enter(parent, made.path), made);
    known.set(key, made);
    planned.push(made);
    return made;
  };
  for (const path of [...directories, ...files.map(({ target }) => parentOf(target))].sort(compareText)) directoryAt(path);
  for (const file of [...files].sort((a, b) => compareText(a.target, b.target))) {
    const { target, sizeBytes } = file;
    const key = target.toLowerCase();
    if (known.has(key) || taken.has(key))
      throw refuse(target, 'has the name of another one, but for upper and lower case, which FAT does not tell apart');
    taken.add(key);
    if (sizeBytes > MAX_FILE_BYTES) throw refuse(target, 'has 4 GiB or more');
    const directory = directoryAt(parentOf(target));
    directory.files.set(enter(directory, target), file);
  }
  return planned;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
