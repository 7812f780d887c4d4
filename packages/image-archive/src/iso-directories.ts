/** A file of a volume, with where its content lies. */
export interface IsoFile {
  /** Absolute path. */
  readonly path: string;
  readonly firstBlock: number;
  readonly sizeBytes: number;
}

/** A directory of a volume. */
export interface IsoDirectory {
  /** As it is stored: `BOOT`; '' for the root. */
  readonly identifier: string;
  /** Place in the path table, from 1 on, of the directory that it is in; the root is in itself. */
  readonly parent: number;
  /** What is in it, in the order that ECMA-119 (9.3) wants. */
  readonly entries: readonly IsoEntry[];
}

/** A name in a directory: of another one by its place in the path table, or of a file. */
export type IsoEntry = { readonly identifier: string } & ({ readonly directory: number } | { readonly file: IsoFile });

/** Letters, digits and `_` of names at interchange level 2. */
const DIRECTORY_NAME = /^[A-Z0-9_]{1,31}$/u;
/** The dot does not count. */
const FILE_NAME = /^([A-Z0-9_]*)\.?([A-Z0-9_]*)$/u;
const MAX_FILE_NAME = 30;

/**
 * The directories of a volume in the order of its path table: by depth, then by the directory that they are in, then by name.
 *
 * @throws RangeError for a name that interchange level 2 has not, and for one that is there twice.
 */
export function planIsoDirectories(files: readonly IsoFile[]): readonly IsoDirectory[] {
  const paths = new Set<string>();
  for (const { path } of files) for (let at = parentOf(path); at !== ''; at = parentOf(at)) paths.add(at);
  const ordered = [''];
  // What is added is visited in its turn.
  for (const parent of ordered) ordered.push(...[...paths].filter((path) => parentOf(path) === parent).sort(byName));
  const placeOf = (path: string): number => ordered.indexOf(path) + 1;
  return ordered.map((path) => {
    const inside = [...paths, ...files].filter((entry) => parentOf(pathOf(entry)) === path);
    const entries = inside
      .sort((a, b) => byName(pathOf(a), pathOf(b)))
      .map((entry): IsoEntry => {
        if (typeof entry === 'string') return { identifier: directoryIdentifier(entry), directory: placeOf(entry) };
        return { identifier: fileIdentifier(entry.path), file: entry };
      });
    const twice = inside.find((entry, index) => index > 0 && nameOf(pathOf(entry)) === nameOf(pathOf(inside[index - 1] as IsoFile)));
    if (twice !== undefined) throw new RangeError(`two files are ${pathOf(twice)}, but for upper and lower case`);
    return { identifier: path === '' ? '' : directoryIdentifier(path), parent: placeOf(parentOf(path)), entries };
  });
}

function directoryIdentifier(path: string): string {
  const name = nameOf(path);
  if (!DIRECTORY_NAME.test(name)) throw new RangeError(`no directory of ISO 9660 can have the name of ${path}`);
  return name;
}

/** The name with its dot, which there is also without an extension, and its version. */
function fileIdentifier(path: string): string {
  const [, base = '', extension = ''] = FILE_NAME.exec(nameOf(path)) ?? [];
  const length = base.length + extension.length;
  if (length < 1 || length > MAX_FILE_NAME) throw new RangeError(`no file of ISO 9660 can have the name of ${path}`);
  return `${base}.${extension};1`;
}

function pathOf(entry: string | IsoFile): string {
  return typeof entry === 'string' ? entry : entry.path;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).toUpperCase();
}

/** The dot comes before all other characters of names, as the end of a name does. */
function byName(a: string, b: string): number {
  return nameOf(a) < nameOf(b) ? -1 : 1;
}
