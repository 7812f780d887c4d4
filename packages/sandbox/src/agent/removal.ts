import { lstatSync, realpathSync } from 'node:fs';
import { sandboxError } from '../errors.js';
import { runHostProgram } from './host-program.js';
import { mountsWithin, readMountTable } from './mount-table.js';

/**
 * Removes a directory and all below it, whoever owns it; nothing happens when it is absent. Links are never followed.
 *
 * @throws `ICT_SANDBOX_REMOVE` when something is mounted in it, when it is a link, or when a file cannot be removed.
 */
export async function removeDirectory(directory: string): Promise<void> {
  await removeDirectories([directory]);
}

/** As {@link removeDirectory}, for several in one process: starting one costs more than removing a few files. */
export async function removeDirectories(directories: readonly string[]): Promise<void> {
  const there = directories.filter((directory) => {
    const stats = lstatSync(directory, { throwIfNoEntry: false });
    if (stats?.isDirectory() === false) throw cannotRemove(directory, 'it is not a directory');
    return stats !== undefined;
  });
  if (there.length === 0) return;
  const table = readMountTable();
  const real = there.map((directory) => {
    const path = realpathSync(directory);
    const [mount] = mountsWithin(table, path);
    if (mount !== undefined) throw cannotRemove(directory, `something is mounted at ${mount.path}`);
    return path;
  });
  const end = await runHostProgram(['rm', '-rf', '--one-file-system', '--', ...real]);
  if (end.status !== 0) throw cannotRemove(there.join(', '), end.stderr);
}

function cannotRemove(directory: string, reason: string): Error {
  return sandboxError('ICT_SANDBOX_REMOVE', {
    message: `${directory} cannot be removed: ${reason}`,
    hint: 'Look at what uses the directory, then try again.',
    facts: { directory, reason },
  });
}
