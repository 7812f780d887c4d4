import { lstatSync } from 'node:fs';

/** Whether a directory is there and belongs to this user. What a link leads to does not: others could have made the link. */
export function isOwnDirectory(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const own = process.geteuid?.();
  return stats?.isDirectory() === true && (own === undefined || stats.uid === own);
}
