import { isDiskFull } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { freeSpace } from '@ict/sandbox';
import { coreError } from './errors.js';

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

/** What Node and the sandbox say when the system refused a write. */
const SAID_BY_SYSTEM = /\b(?:ENOSPC|EDQUOT)\b/;

/** What programs print of it in the language C. */
const PRINTED = /no space left on device|disk quota exceeded/i;

/** How deep errors lie in each other. */
const DEPTH = 8;

interface Evidence {
  readonly line: string;
  /** False when a program printed it, which may have meant a disk of its own. */
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
    throw coreError('ICT_HOST_DISK_FULL', {
      message: `The disk of ${directory} is full: ${evidence.line}`,
      hint: 'Free space there, or use another directory: --cache-dir, --work-dir, --temp-dir. What was finished is kept: the next run goes on from there.',
      facts: { directory, reason: evidence.line },
      cause: error,
    });
  }
}

/**
 * Runs `work`, a program that writes into these directories. Some never say that a disk is full (mkfs.vfat: "failed whilst writing"), so
 * it is looked for when one fails, before what it wrote is removed.
 *
 * @throws what the system would have said, with the program's failure as its cause; else what `work` throws.
 */
export async function lookingForRoom<T>(directories: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isIctError(error) || error.kind !== 'command') throw error;
    for (const path of directories) {
      const { availableBytes, availableFiles } = await freeSpace(path);
      if (availableBytes >= NOTHING_BYTES && availableFiles > 0) continue;
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

function evidenceOf(error: unknown): Evidence | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < DEPTH; at = at.cause, depth++) {
    if (isIctError(at) && /_DISK_FULL$|^ICT_DISK_NO_SPACE$/.test(at.code)) return undefined;
    const lines = textOf(at).split('\n');
    const said = lines.find((line) => SAID_BY_SYSTEM.test(line));
    if (said !== undefined || isDiskFull(at)) return { line: said ?? at.message, certain: true, path: (at as NodeJS.ErrnoException).path };
    const printed = lines.find((line) => PRINTED.test(line));
    if (printed !== undefined) return { line: printed.trim(), certain: false };
  }
  return undefined;
}

/** All that an error says: its message, and the texts among its facts, such as what a program printed. */
function textOf(error: Error): string {
  const facts = isIctError(error) ? Object.values(error.facts) : [];
  return [error.message, ...facts.filter((fact) => typeof fact === 'string')].join('\n');
}

/** The directory whose disk is meant; undefined when a program printed it and there is room everywhere. */
async function fullest({ directories, wantedBytes }: WantedRoom, { path, certain }: Evidence): Promise<string | undefined> {
  const own = directories.find((directory) => path?.startsWith(`${directory}/`) === true);
  if (own !== undefined) return own;
  const rooms = await Promise.all(directories.map(async (directory) => ({ directory, ...(await freeSpace(directory)) })));
  rooms.sort((a, b) => a.availableBytes - b.availableBytes);
  const full = rooms.find(({ availableFiles }) => availableFiles < WANTED_FILES) ?? rooms[0];
  const isFull = full !== undefined && (full.availableFiles < WANTED_FILES || full.availableBytes < wantedBytes);
  return certain || isFull ? full?.directory : undefined;
}
