import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

const STANDARD_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Search path for programs of the host: the standard directories, then the absolute ones of `path`. `sbin` comes in even for
 * users whose PATH lacks it, and no relative entry is ever searched.
 */
export function programPath(path: string | undefined): string {
  const own = (path ?? '').split(':').filter((directory) => isAbsolute(directory));
  return [...new Set([...STANDARD_DIRECTORIES, ...own])].join(':');
}

/** Absolute path of a program of the host, or undefined when no directory of `path` has it. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(':')) {
    const file = join(directory, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
