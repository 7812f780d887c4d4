import { posix } from 'node:path';
import type { TarEntry } from './tar-entry.js';

/**
 * Tells which entries of one archive, asked in its order, lie below some of its directories and are none themselves. Hard links to such entries
 * count, too, and links to these: without them there is nothing that they could be linked to.
 *
 * @param directories as the archive names them, with a slash at the start: `/usr/share/doc`.
 */
export function filesBelow(directories: readonly string[]): (entry: Pick<TarEntry, 'path' | 'type' | 'linkTarget'>) => boolean {
  const prefixes = directories.map((directory) => `${directory}/`);
  const isBelow = (rooted: string): boolean => prefixes.some((prefix) => rooted.startsWith(prefix));
  const links = new Set<string>();
  return ({ path, type, linkTarget }) => {
    if (type === 'directory') return false;
    const rooted = posix.join('/', path);
    if (isBelow(rooted)) return true;
    if (type !== 'hardlink' || linkTarget === undefined) return false;
    const target = posix.join('/', linkTarget);
    const out = isBelow(target) || links.has(target);
    if (out) links.add(rooted);
    return out;
  };
}
