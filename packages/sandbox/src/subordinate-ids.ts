import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { sandboxError } from './errors.js';

/** Enough for every user and group of a system. */
const WANTED = 65_536;

/** Ids of the host that a user may give to others inside a user namespace. */
export interface SubordinateRange {
  readonly first: number;
  readonly count: number;
}

/**
 * The first range of at least 65536 subordinate ids that a user owns.
 *
 * @param text of `/etc/subuid` or `/etc/subgid`: lines `name-or-uid:first:count`.
 * @see subuid(5)
 */
export function subordinateRange(text: string, name: string, uid: number): SubordinateRange | undefined {
  for (const line of text.split('\n')) {
    const [owner, first = '', count = ''] = line.trim().split(':');
    if (owner !== name && owner !== String(uid)) continue;
    if (/^\d{1,10}$/.test(first) && /^\d{1,10}$/.test(count) && Number(count) >= WANTED)
      return { first: Number(first), count: Number(count) };
  }
  return undefined;
}

/**
 * A range of 65536 ids that nobody in these files owns, for a user who has none. Two users with the same subordinate ids could
 * change each other's files.
 *
 * @param texts of `/etc/subuid` and `/etc/subgid`.
 * @returns the lowest range above all that are owned, and not below 100000, where useradd begins.
 */
export function unownedRange(...texts: readonly string[]): SubordinateRange {
  let first = 100_000;
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, owned = '', count = ''] = line.trim().split(':');
    if (/^\d{1,10}$/.test(owned) && /^\d{1,10}$/.test(count)) first = Math.max(first, Number(owned) + Number(count));
  }
  return { first, count: WANTED };
}

/** Name of the user who runs this process; the number when the system knows no name for it. */
export function currentUser(): { readonly name: string; readonly uid: number; readonly gid: number } {
  const uid = process.getuid?.() ?? -1;
  const gid = process.getgid?.() ?? -1;
  try {
    return { name: userInfo().username, uid, gid };
  } catch {
    // No entry in the user database: subuid(5) takes the number too.
    return { name: String(uid), uid, gid };
  }
}

/**
 * The current user's ranges for users and groups, where there are any, and one that is nobody's.
 *
 * @throws `ICT_SANDBOX_START` when a file is there but cannot be read: who owns which ids is then not known.
 */
export async function ownRanges(files = { users: '/etc/subuid', groups: '/etc/subgid' }): Promise<{
  readonly users?: SubordinateRange;
  readonly groups?: SubordinateRange;
  readonly unowned: SubordinateRange;
}> {
  const { name, uid } = currentUser();
  const [subuid, subgid] = await Promise.all([readRanges(files.users), readRanges(files.groups)]);
  const users = subordinateRange(subuid, name, uid);
  const groups = subordinateRange(subgid, name, uid);
  const unowned = unownedRange(subuid, subgid);
  return { ...(users === undefined ? {} : { users }), ...(groups === undefined ? {} : { groups }), unowned };
}

/** A file that is not there gives nobody any ids. */
async function readRanges(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    if (reason === 'ENOENT') return '';
    throw cannotMap(`${file} cannot be read: ${reason}`, error);
  }
}

/**
 * Maps ids of the user namespace of process `pid`: 0 is the current user, 1 and more are subordinate ids, numbered as
 * `unshare --map-root-user --map-auto` does.
 *
 * @param path where programs are looked for.
 * @throws `ICT_SANDBOX_START` when the user has no ids, or newuidmap or newgidmap fails.
 */
export async function mapIds(pid: number, path: string): Promise<void> {
  const { name, uid, gid } = currentUser();
  const { users, groups } = await ownRanges();
  if (users === undefined || groups === undefined)
    throw cannotMap(`${name} has no ${WANTED} subordinate ids in /etc/subuid and /etc/subgid`);
  await runMapper('newuidmap', pid, uid, users, path);
  await runMapper('newgidmap', pid, gid, groups, path);
}

async function runMapper(program: string, pid: number, own: number, { first, count }: SubordinateRange, path: string): Promise<void> {
  const argv = [pid, 0, own, 1, 1, first + 1, count - 1].map(String);
  try {
    await promisify(execFile)(program, argv, { env: { PATH: path, LC_ALL: 'C' } });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw cannotMap(stderr.trim() || message, error);
  }
}

function cannotMap(reason: string, cause?: unknown): Error {
  return sandboxError('ICT_SANDBOX_START', {
    message: `The sandbox could not be started: ids of its user namespace cannot be mapped: ${reason}`,
    hint: 'Run "ict doctor": it names the command that gives the user subordinate ids. Or run as root.',
    facts: { reason },
    cause,
  });
}
