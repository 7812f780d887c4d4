import { dirname, isAbsolute } from 'node:path';
import { ignoreSystemError, isDiskFull } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { freeSpace } from '@ict/sandbox';
import { coreError } from '../errors.js';

/** Where a build writes, and how much room it was to have in each place. */
export interface WantedRoom {
  readonly directories: readonly string[];
  /** In bytes; 0 where only what the system said counts, not what a program printed. */
  readonly wantedBytes: number;
}

/** Fewer files than this, and the next package does not fit. */
const WANTED_FILES = 1000;

/** With less room than this, a program had none for what it wrote last. */
const NOTHING_BYTES = 1024 ** 2;

/** With less room than this, a program that says so had none for a large file, of which nothing is left. */
const LITTLE_BYTES = 64 * 1024 ** 2;

/** What Node and the sandbox say when the system refused a write. */
const SAID_BY_SYSTEM = /\b(?:ENOSPC|EDQUOT)\b/;

/** What programs print of it in the language C. */
const PRINTED = /no space left on device|disk quota exceeded/i;

/** Codes of errors that say themselves what is full. */
const NAMED = /_DISK_FULL$|^ICT_DISK_NO_SPACE$|^ICT_LOCK_UNWRITABLE$/;

/** How deep errors lie in each other. */
const DEPTH = 8;

interface Evidence {
  readonly line: string;
  /** False when a program printed it, which may have meant a disk of its own, or something else that was used up. */
  readonly certain: boolean;
  /** What was being written, where that is known. */
  readonly path?: string | undefined;
}

/**
 * Runs `work`, and names a full disk as what it is, whoever met it: trees are written by dpkg, tar, mke2fs and commands of templates, which
 * print it and fail with a status of their own.
 *
 * @throws `ICT_HOST_DISK_FULL` in place of such an error; errors that name a full disk themselves, and all others, as they are.
 */
export async function namingFullDisk<T>(room: WantedRoom, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const evidence = evidenceOf(error);
    if (evidence === undefined) throw error;
    const directory = await fullest(room, evidence);
    if (directory === undefined) throw error;
    const another = room.directories.includes(directory) ? ', or use another directory: --cache-dir, --work-dir, --temp-dir' : '';
    throw coreError('ICT_HOST_DISK_FULL', {
      message: `The disk of ${directory} is full: ${evidence.line}`,
      hint: `Free space there${another}. What was finished is kept: the next run goes on from there.`,
      facts: { directory, reason: evidence.line },
      cause: error,
    });
  }
}

/**
 * Runs `work`, a program that writes into these directories. Some never say that a disk is full (mkfs.vfat: "failed whilst writing"), and
 * some say it of a disk of their own, so room is looked for when one fails, before what it wrote is removed.
 *
 * @throws what the system would have said, with the program's failure as its cause; else what `work` throws.
 */
export async function lookingForRoom<T>(directories: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isIctError(error) || error.kind !== 'command') throw error;
    const neededBytes = evidenceOf(error) === undefined ? NOTHING_BYTES : LITTLE_BYTES;
    for (const { directory: path, availableBytes, availableFiles } of await roomsOf(directories)) {
      if (availableBytes >= neededBytes && availableFiles > 0) continue;
      const [line] = error.message.split('\n');
      throw Object.assign(new Error(`ENOSPC: no space left: ${line}`, { cause: error }), { code: 'ENOSPC', path });
    }
    throw error;
  }
}

/** Whether an error comes from a disk that is full, and so says nothing about what was being read. */
export function meansFullDisk(error: unknown): boolean {
  return evidenceOf(error)?.certain === true;
}

/** What is certain before what a program printed, of errors that caused each other. */
function evidenceOf(error: unknown): Evidence | undefined {
  let printed: Evidence | undefined;
  for (let at = error, depth = 0; at instanceof Error && depth < DEPTH; at = at.cause, depth++) {
    if (isIctError(at) && NAMED.test(at.code)) break;
    const lines = textOf(at).split('\n');
    const said = lines.find((line) => SAID_BY_SYSTEM.test(line));
    const line = said ?? lines.find((text) => PRINTED.test(text)) ?? (isDiskFull(at) ? at.message : undefined);
    if (line === undefined) continue;
    const evidence = { line: line.trim(), certain: isCertain(at, said), path: writtenBy(at) };
    if (evidence.certain) return evidence;
    printed ??= evidence;
  }
  return printed;
}

/** The absolute path that a failed call of Node's was to write: of a copy, `path` is what it read. */
function writtenBy(error: NodeJS.ErrnoException & { readonly dest?: string }): string | undefined {
  const path = error.dest ?? error.path;
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Whether an error is about a disk of the host. What tar and cp of the sandbox print is: they write nothing but layers. */
function isCertain(error: Error, said: string | undefined): boolean {
  if (!isIctError(error)) return said !== undefined || isDiskFull(error);
  return error.code === 'ICT_SANDBOX_LAYER' || (error.kind !== 'command' && said !== undefined);
}

/** All that an error says: its message, and the texts among its facts, such as what a program printed. */
function textOf(error: Error): string {
  const facts = isIctError(error) ? Object.values(error.facts) : [];
  return [error.message, ...facts.filter((fact) => typeof fact === 'string')].join('\n');
}

/**
 * The directory whose disk is meant: of those that a build writes, or another one, where a file there was. Undefined when a program printed it
 * and there is room everywhere.
 */
async function fullest({ directories, wantedBytes }: WantedRoom, { path, certain }: Evidence): Promise<string | undefined> {
  const above = directories.filter((directory) => path === directory || path?.startsWith(`${directory}/`) === true);
  const [own] = above.sort((a, b) => b.length - a.length); // one may lie in another, on a disk of its own
  if (own !== undefined) return own;
  if (path !== undefined && certain) return dirname(path);
  const rooms = (await roomsOf(directories)).sort((a, b) => a.availableBytes - b.availableBytes);
  const full = rooms.find(({ availableFiles }) => availableFiles < WANTED_FILES) ?? rooms[0];
  const isFull = full !== undefined && (full.availableFiles < WANTED_FILES || full.availableBytes < wantedBytes);
  return certain || isFull ? full?.directory : undefined;
}

/** The room in each directory; none of those of which the system does not say it, as that must not hide the failure that it is asked for. */
async function roomsOf(directories: readonly string[]) {
  const asked = await Promise.allSettled(directories.map(async (directory) => ({ directory, ...(await freeSpace(directory)) })));
  return asked.flatMap((answer) => {
    if (answer.status === 'fulfilled') return [answer.value];
    ignoreSystemError(answer.reason);
    return [];
  });
}
