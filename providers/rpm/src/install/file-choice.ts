import type { FileChoice, TreeSession } from '@ict/plugin-api';

/** Macros of the system's administrator, which rpm and what uses its library read at each start. */
const FILE = '/etc/rpm/macros.ict';

/**
 * A choice of files as definitions of rpm's macros. rpm goes by what packages say of their files: which are documentation, and of which
 * languages; licences are no documentation. Files that it leaves out are known to it as such: `rpm -V` does not miss them.
 */
export function choiceMacros({ documentation, languages }: FileChoice): readonly string[] {
  return [
    ...(documentation === false ? ['_excludedocs 1'] : []),
    ...(languages === undefined ? [] : [`_install_langs ${languages.join(':')}`]),
  ];
}

/** Has the tree's own rpm keep to a choice. A layer over one that does gets no second copy. */
export async function keepChoice(choice: FileChoice, tree: TreeSession): Promise<void> {
  const text = choiceMacros(choice)
    .map((macro) => `%${macro}\n`)
    .join('');
  const there = await tree.read(FILE);
  if (there === undefined || new TextDecoder().decode(there) !== text) await tree.write(FILE, text);
}
