import type { FileChoice, TreePath, TreeSession } from '@ict/plugin-api';

/** Settings of the system's administrator, which dpkg reads at each start. */
const FILE = '/etc/dpkg/dpkg.cfg.d/ict';

/** Directories of documentation. Packages do not mark such files: where they lie is what tells them. */
const DOCUMENTATION = ['doc', 'gtk-doc', 'info', 'man'].map((name) => `/usr/share/${name}`);

/** Sections of manuals. */
const SECTIONS = [1, 2, 3, 4, 5, 6, 7, 8].map((section) => `/usr/share/man/man${section}`);

/**
 * A choice of files as dpkg's settings. Of the patterns that a path matches the last one counts; `*` matches slashes, too. dpkg keeps
 * directories and links in which a pattern to include may match something: a documentation directory that is a link to another package's
 * stays, and leads to its copyright file.
 *
 * @see dpkg(1), --path-exclude
 */
export function choiceSettings({ documentation, languages }: FileChoice): readonly string[] {
  return [
    ...(languages === undefined ? [] : translations('/usr/share/locale', 'locale.alias', languages)),
    // Without documentation there are no manuals, and an included pattern would keep their directories and links.
    ...(languages === undefined || documentation === false ? [] : translations('/usr/share/man', 'man[0-9ln]*', languages)),
    ...(documentation === false
      ? [...DOCUMENTATION.map((directory) => `path-exclude=${directory}/*`), 'path-include=/usr/share/doc/*/copyright']
      : []),
  ];
}

/** Of a directory with one directory for each language: these languages, and what is of none. */
function translations(directory: string, ofNone: string, languages: readonly string[]): readonly string[] {
  return [
    `path-exclude=${directory}/*`,
    `path-include=${directory}/${ofNone}`,
    ...languages.map((language) => `path-include=${directory}/${language}/*`),
  ];
}

/**
 * Has the tree's own dpkg keep to a choice, from now on. A layer over one that does gets no second copy.
 *
 * The directories of manuals are there all the same: alternatives have links in them to manuals that lie elsewhere, and
 * update-alternatives fails where one is missing.
 */
export async function keepChoice(choice: FileChoice, tree: TreeSession): Promise<void> {
  const text = choiceSettings(choice)
    .map((setting) => `${setting}\n`)
    .join('');
  const there = await tree.read(FILE);
  if (there !== undefined && new TextDecoder().decode(there) === text) return;
  await tree.write(FILE, text);
  if (choice.documentation === false) for (const section of SECTIONS) await tree.makeDirectory(section);
}

/** A directory of manuals that {@link keepChoice} made and dpkg has taken away since, as it does with an empty one that no package has. */
export async function lostSection(choice: FileChoice | undefined, tree: TreeSession): Promise<TreePath | undefined> {
  if (choice?.documentation !== false) return undefined;
  for (const section of SECTIONS) if ((await tree.stat(section)) === undefined) return section;
  return undefined;
}
