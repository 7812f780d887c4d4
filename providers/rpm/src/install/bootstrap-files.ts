import type { RpmFile } from '../package/package-files.js';
import { FILE_FLAG } from '../package/tags.js';

/** Directories of what is only read by people. */
const FOR_PEOPLE = /^\/usr\/share\/(?:common-licenses|doc|info|licenses|locale|man)\//;
/** Converters for texts in other character sets than those that the C library knows itself; two thirds of it. */
const CHARACTER_SETS = /^(?:\/usr)?\/lib[^/]*\/(?:[^/]+\/)?gconv\//;

/**
 * Tells which files of a package a program needs to run: not its documentation, licences, manuals, translations and converters of
 * character sets, which are more than half of all files of a small system. Links of one file stay together.
 *
 * @param files of the package.
 */
export function neededToRun(files: readonly RpmFile[]): (file: RpmFile) => boolean {
  const needed = ({ flags, languages, path }: RpmFile): boolean =>
    (flags & FILE_FLAG.DOC) === 0 && languages === '' && !FOR_PEOPLE.test(path) && !CHARACTER_SETS.test(path);
  const inode = ({ device, inode }: RpmFile): string => `${device}:${inode}`;
  const inodes = new Set(files.filter(needed).map(inode));
  return (file) => needed(file) || (file.inode !== 0 && inodes.has(inode(file)));
}
