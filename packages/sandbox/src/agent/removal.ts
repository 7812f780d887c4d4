import { lstatSync, readdirSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from '@ict/integrity';
import { sandboxError } from '../errors.js';
import { runHostProgram } from './host-program.js';
import { mountsWithin, readMountTable } from './mount-table.js';

/**
 * Removes a directory and all below it, whoever owns it; nothing happens when it is absent. Links are never followed.
 *
 * @throws `ICT_SANDBOX_REMOVE` when something is mounted in it, when it is a link, or when a file cannot be removed.
 */
export async function removeDirectory(directory: string): Promise<void> {
  await removeByProgram(removable([directory]));
}

/** Entries that are removed without starting a program: that costs as much as some hundred of them. */
const FEW = 100;

/**
 * As {@link removeDirectory}, for directories in which nobody else can write meanwhile. Those with few entries are gone at once, the others are
 * removed by one program.
 */
export async function removeOwnDirectories(directories: readonly string[]): Promise<void> {
  await removeByProgram(removable(directories).filter((directory) => !removeFew(directory)));
}

/** The real paths of the directories that are there. @throws `ICT_SANDBOX_REMOVE` for what must not be removed. */
function removable(directories: readonly string[]): readonly string[] {
  const there = directories.filter((directory) => {
    const stats = lstatSync(directory, { throwIfNoEntry: false });
    if (stats?.isDirectory() === false) throw cannotRemove(directory, 'it is not a directory');
    return stats !== undefined;
  });
  if (there.length === 0) return [];
  const table = readMountTable();
  return there.flatMap((directory) => {
    const path = realPath(directory);
    if (path === undefined) return [];
    const [mount] = mountsWithin(table, path);
    if (mount !== undefined) throw cannotRemove(directory, `something is mounted at ${mount.path}`);
    return [path];
  });
}

/** Undefined when the directory is gone meanwhile. */
function realPath(directory: string): string | undefined {
  try {
    return realpathSync(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

/** @returns false when a part is left: there was more, a name that cannot be told, or something that the system refused, which the program then tells. */
function removeFew(directory: string): boolean {
  let left = FEW;
  const remove = (path: string): boolean => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      // A name that is not UTF-8 shows as another one, which may be that of a link to somewhere else.
      if (left-- === 0 || entry.name.includes('\ufffd')) return false;
      const below = `${path}/${entry.name}`;
      if (!entry.isDirectory()) unlinkSync(below);
      else if (!remove(below)) return false;
    }
    rmdirSync(path);
    return true;
  };
  try {
    return remove(directory);
  } catch {
    return false;
  }
}

async function removeByProgram(directories: readonly string[]): Promise<void> {
  if (directories.length === 0) return;
  const end = await runHostProgram(['rm', '-rf', '--one-file-system', '--', ...directories]);
  if (end.status !== 0) throw cannotRemove(directories.join(', '), end.stderr);
}

function cannotRemove(directory: string, reason: string): Error {
  return sandboxError('ICT_SANDBOX_REMOVE', {
    message: `${directory} cannot be removed: ${reason}`,
    hint: 'Look at what uses the directory, then try again.',
    facts: { directory, reason },
  });
}
