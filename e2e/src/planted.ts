import { lstat, readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * Paths below some directories, relative to theirs, of all files that hold a text or bytes, or have it in their names: as it is, in base64, or in
 * hexadecimal digits. Each file is read once, however many names it has.
 */
export async function filesWith(secret: string | Uint8Array, directories: readonly string[]): Promise<readonly string[]> {
  const whole = Buffer.from(secret as string);
  const texts = [whole.toString('base64').replace(/=*$/, ''), whole.toString('hex')];
  const names = typeof secret === 'string' ? [secret, ...texts] : texts;
  const needles = [whole, ...texts];
  const judged = new Map<string, boolean>();
  const found: string[] = [];
  for (const directory of directories) {
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (names.some((name) => entry.name.includes(name))) found.push(relative(directory, path));
      if (!entry.isFile()) continue;
      const { dev, ino } = await lstat(path);
      const id = `${dev}:${ino}`;
      if (!judged.has(id)) {
        const bytes = await readFile(path);
        judged.set(
          id,
          needles.some((needle) => bytes.includes(needle)),
        );
      }
      if (judged.get(id) === true) found.push(relative(directory, path));
    }
  }
  return found;
}
