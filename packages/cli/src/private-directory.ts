import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cliError } from './errors.js';

/**
 * Makes a directory whose name everyone knows, such as one in /var/tmp, or takes it over when it is ours already. What another
 * user put there is refused; once it is ours, the sticky bit of the parent keeps others from replacing it.
 *
 * @param uid our effective user id; undefined on systems without, where nothing is checked.
 * @throws `ICT_CLI_DIRECTORY_UNSAFE`
 */
export async function claimDirectory(path: string, uid: number | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await mkdir(path, { mode: 0o755 });
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const stats = await lstat(path);
  if (stats.isDirectory() && (uid === undefined || (stats.uid === uid && (stats.mode & 0o002) === 0))) return;
  throw cliError('ICT_CLI_DIRECTORY_UNSAFE', {
    message: `${path} is not a directory of this user that only this user can write`,
    hint: 'It may be that of builds as root. Name one of your own with --work-dir, or for good with `ict config set work_dir DIR`.',
    facts: { path, owner: stats.uid, mode: (stats.mode & 0o7777).toString(8) },
  });
}
