import { posix } from 'node:path';
import type { TarEntry } from './tar-entry.js';

/**
 * Tells which entries of an archive lie below some of its directories and are none themselves. Hard links to such entries count, too: without
 * them there is nothing that they could be linked to.
 *
 * @param directories as the archive names them, with a slash at the start: `/usr/share/doc`.
 */
export function filesBelow(directories: readonly string[]): (entry: Pick<TarEntry, 'path' | 'type' | 'linkTarget'>) => boolean {
  const prefixes = directories.map((directory) => `${directory}/`);
  const below = (path: string): boolean => {
    const rooted = posix.join('/', path);
    return prefixes.some((prefix) => rooted.startsWith(prefix));
  };
  return ({ path, type, linkTarget }) => {
    if (type === 'directory') return false;
    return below(path) || (type === 'hardlink' && linkTarget !== undefined && below(linkTarget));
  };
}
