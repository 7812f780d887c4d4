/**
 * Names of the packages that a lock file gives to the image, in its order. Reads the one layout in which `ict lock` writes: lists at the
 * left margin, a field a line.
 *
 * @throws when the text has no such list, or one that is not written so.
 */
export function packageNames(lock: string): readonly string[] {
  const section = /^packages:\n((?: .*\n|\n)*)/m.exec(lock)?.[1];
  if (section === undefined) throw new Error('the lock file has no list "packages"');
  const names = [...section.matchAll(/^(?: {2}- | {4})name: (.+)$/gm)].map((match) => (match[1] as string).replace(/^"(.*)"$/, '$1'));
  const entries = [...section.matchAll(/^ {2}- /gm)].length;
  if (names.length === 0 || names.length !== entries) throw new Error(`the lock file names ${names.length} of ${entries} packages`);
  return names;
}
