import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Surroundings } from './session.js';

/** The user who ran `sudo ict`, or undefined. */
export function invoker({ env, uid }: Pick<Surroundings, 'env' | 'uid'>): { readonly uid: number; readonly gid: number } | undefined {
  const [user, group] = [env.SUDO_UID, env.SUDO_GID].map((text) =>
    text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined,
  );
  return uid !== 0 || user === undefined || group === undefined || user === 0 ? undefined : { uid: user, gid: group };
}

/**
 * Under `sudo`, files that a command delivers belong to whoever ran it. They may lie in a directory of that user, who could put
 * something else in their place: only a regular file that no other name leads to is given away.
 */
export async function giveToInvoker(paths: readonly string[], surroundings: Pick<Surroundings, 'env' | 'uid'>): Promise<void> {
  const owner = invoker(surroundings);
  if (owner === undefined) return;
  for (const path of paths) {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { nlink, isFile } = await file.stat().then((stats) => ({ nlink: stats.nlink, isFile: stats.isFile() }));
    if (isFile && nlink === 1) await file.chown(owner.uid, owner.gid);
  }
}
