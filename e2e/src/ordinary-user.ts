import { execFile } from 'node:child_process';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BuildPlaces } from './real-build.js';

const run = promisify(execFile);

const PREFIX = 'ict-e2e-';

/** Someone who is not root, as this machine knows them. */
export interface OrdinaryUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes an ordinary user with subordinate ids of its own; {@link removeOrdinaryUser} removes it. Users that a killed run left behind
 * are removed first.
 *
 * @param number tells users of one process apart.
 * @throws when this process is not root.
 */
export async function makeOrdinaryUser(number = 0): Promise<OrdinaryUser> {
  if (process.getuid?.() !== 0) throw new Error('These tests make a user, and so need root');
  for (const left of await leftUsers()) await removeOrdinaryUser(left);
  const name = `${PREFIX}${process.pid}-${number}`;
  await run('useradd', ['--system', '--add-subids-for-system', '--no-create-home', '--shell', '/bin/sh', name]);
  return knownUser(name);
}

/** How userdel(8) ends when another was quicker. */
const NO_SUCH_USER = 6;

/** Removes a user, its group and its subordinate ids, even while a process of it runs: that is for tests to find. */
export async function removeOrdinaryUser(name: string): Promise<void> {
  try {
    await run('userdel', ['--force', name]);
  } catch (error) {
    if ((error as { code?: unknown }).code !== NO_SUCH_USER) throw error;
  }
}

/** A user of this machine. @throws when there is none of this name. */
export async function knownUser(name: string): Promise<OrdinaryUser> {
  const number = async (flag: string): Promise<number> => Number((await run('id', [flag, '--', name])).stdout);
  return { name, uid: await number('-u'), gid: await number('-g') };
}

/** Argv that runs the rest as a user, without further groups. */
export function asUser({ uid, gid }: OrdinaryUser): readonly string[] {
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
}

/**
 * Argv that runs the rest where user namespaces are forbidden: in one whose own limit is none. The machine's limit stays as it is.
 */
export const WITHOUT_USER_NAMESPACES: readonly string[] = [
  ...['unshare', '--user', '--map-current-user', '--keep-caps', '--'],
  ...['sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"', 'sh'],
];

/**
 * A line for each process that a user started, also with more powers, as newuidmap has: user, state, id and command line. The dead that nobody
 * has waited for yet do not count.
 */
export async function processesOf({ uid }: OrdinaryUser): Promise<readonly string[]> {
  const { stdout } = await run('ps', ['-eo', 'ruid=,stat=,pid=,args=', '-ww'], { maxBuffer: 64 * 1024 ** 2 });
  return stdout.split('\n').filter((line) => {
    const [owner, state = ''] = line.trim().split(/\s+/);
    return owner === String(uid) && !state.startsWith('Z');
  });
}

/** Directories of a build, made for a user. */
export async function placesOf(user: OrdinaryUser, root: string): Promise<BuildPlaces> {
  const places = { cache: join(root, 'c'), work: join(root, 'w'), temporary: join(root, 't') };
  for (const directory of [root, ...Object.values(places)]) {
    await mkdir(directory, { recursive: true });
    await chown(directory, user.uid, user.gid);
  }
  return places;
}

async function leftUsers(): Promise<readonly string[]> {
  const names = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')[0]);
  return names.filter((name) => name.startsWith(PREFIX) && !isRunning(Number.parseInt(name.slice(PREFIX.length), 10)));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // root may signal every process, so this one is gone
  }
}
