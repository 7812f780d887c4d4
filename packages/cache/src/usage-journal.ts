import { constants } from 'node:fs';
import { open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDirectory, errnoOf, ignoreSystemError, isNoFile, readRegularFile, refuseSpecialFile } from '@ict/integrity';
import { isAbandoned } from './abandoned.js';
import type { Layout } from './layout.js';
import { isProcessOwner, livenessOf } from './process-owner.js';
import { writeRecord } from './record-file.js';
import { refuseUnread, tellUnread, type Unseen } from './unread.js';
import { usesIn, type Uses } from './uses.js';
import { clearWreck } from './wreck.js';

/** What the cache keeps entries of. */
export const entryKinds = ['package', 'twin', 'image', 'layer', 'blob', 'step', 'memo', 'metadata', 'mount'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Names an entry among all kinds: `package debian-debian13-x86_64/jq_1.7.1-6_amd64.deb`. */
export type EntryName = `${EntryKind} ${string}`;

/**
 * Who used what, and when: `.ict/used/{day}/{process}.log`, one line `{seconds} {kind} {id}` each. Access times of files would not
 * do: they are off on many file systems, and reading them changes nothing that a collector could see at once.
 */
export interface UsageJournal {
  /**
   * Notes that this process uses an entry. Await it *before* looking at the entry: from then on collectors leave it alone.
   * A journal that cannot be written costs only knowledge, never the build.
   */
  note(kind: EntryKind, id: string): Promise<void>;
  /**
   * Last use of everything that was ever noted, none a day after now.
   *
   * @param unseen is told of what of the journal cannot be read. Without it, @throws `ICT_CACHE_UNREADABLE`.
   */
  read(unseen?: Unseen): Promise<Uses>;
  /** What processes that still run, this one included, have noted. @throws `ICT_CACHE_UNREADABLE` where the journal cannot be read. */
  pinned(): Promise<ReadonlySet<EntryName>>;
  /**
   * Draws the logs of ended processes together when there are many, or one is far ahead of the clock, keeping only entries that `keep` wants.
   *
   * @throws `ICT_CACHE_UNREADABLE`; Node's own errors where it cannot be written.
   */
  compact(keep: (kind: string, id: string) => boolean): Promise<void>;
}

interface LogFile {
  readonly path: string;
  /** Undefined for the summary of earlier logs. */
  readonly owner: string | undefined;
}

/** A process of another machine counts as running while it wrote within this time. */
const foreignMs = 24 * 3600 * 1000;

/** Clocks of machines that share a cache may differ by this much. */
const AHEAD_SECONDS = 24 * 3600;

/** How often the directory of a day is made: a collection takes away one that is empty. */
const ATTEMPTS = 8;

/** Logs that are read one by one without anybody noticing. */
const MANY_LOGS = 16;

export function createUsageJournal(layout: Layout, clock: () => number): UsageJournal {
  const directory = layout.area('used');
  const summary = join(directory, 'summary.log');
  const noted = new Map<EntryName, Promise<void>>();
  let pending: string[] = [];
  let next: Promise<void> | undefined;
  let chain: Promise<void> = Promise.resolve();
  /** Whether anything was ahead of the clock when all was read last; undefined before. */
  let wasAhead: boolean | undefined;

  async function write(): Promise<void> {
    const text = pending.join('');
    pending = [];
    next = undefined;
    const day = join(directory, new Date(clock() * 1000).toISOString().slice(0, 10));
    const file = join(day, `${layout.owner}.log`);
    try {
      await append(file, text).catch((error: unknown) => {
        if (!isNoFile(error)) throw error;
        return begin(day, file, text);
      });
    } catch (error) {
      ignoreSystemError(error); // the use is not remembered
    }
  }

  async function begin(day: string, file: string, text: string, attempts = ATTEMPTS): Promise<void> {
    ensureDirectory(day);
    await clearWreck(layout, file);
    await append(file, text, constants.O_CREAT).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT' || attempts === 0) throw error;
      return begin(day, file, text, attempts - 1);
    });
  }

  async function logs(unseen = refuseUnread): Promise<readonly LogFile[]> {
    const found: LogFile[] = [{ path: summary, owner: undefined }];
    for (const day of await names(directory, unseen)) {
      if (!/^\d{4}-\d\d-\d\d$/.test(day)) continue;
      for (const name of await names(join(directory, day), unseen)) {
        if (name.endsWith('.log')) found.push({ path: join(directory, day, name), owner: name.slice(0, -'.log'.length) });
      }
    }
    return found;
  }

  async function runs({ owner, path }: LogFile): Promise<boolean> {
    if (owner === undefined || !isProcessOwner(owner)) return false;
    const liveness = owner === layout.owner ? 'alive' : livenessOf(owner);
    if (liveness !== 'unknown') return liveness === 'alive';
    return !(await isAbandoned(path, foreignMs, clock(), layout).catch((error: unknown) => refuseUnread(path, error)));
  }

  /** What was used long after now, before the clock moved backwards, counts as used now; `ahead` says whether anything was. */
  async function readAll(files: readonly LogFile[], unseen = refuseUnread): Promise<{ readonly uses: Uses; readonly ahead: boolean }> {
    const texts: string[] = [];
    for (const { path } of files) texts.push(await textOf(path, unseen));
    const now = Math.floor(clock());
    return usesIn(texts, now + AHEAD_SECONDS, now);
  }

  return {
    note(kind, id) {
      const entry: EntryName = `${kind} ${id}`;
      const known = noted.get(entry);
      if (known !== undefined) return known;
      pending.push(`${Math.floor(clock())} ${entry}\n`);
      next ??= chain = chain.then(write);
      noted.set(entry, next);
      return next;
    },
    async read(unseen) {
      const { uses, ahead } = await readAll(await logs(unseen), unseen);
      wasAhead = ahead;
      return uses;
    },
    async pinned() {
      const files = await logs();
      const living = await Promise.all(files.map(runs));
      const { uses } = await readAll(files.filter((_, index) => living[index]));
      return new Set(Array.from(uses.all(), ([kind, id]) => `${kind} ${id}` as EntryName));
    },
    async compact(keep) {
      const files = await logs();
      const living = await Promise.all(files.map(runs));
      const ended = files.filter((_, index) => !living[index]);
      if (ended.length < MANY_LOGS && wasAhead === false) return; // what a collection has read need not be read again
      const { uses, ahead } = await readAll(ended);
      if (ended.length < MANY_LOGS && !ahead) return; // what is ahead is written down, so that it ages from now on
      const kept = Array.from(uses.all()).filter(([kind, id]) => keep(kind, id));
      // In this order nobody has to take the summary apart who looks for a use.
      kept.sort(([a, first], [b, second]) => (a === b ? (first < second ? -1 : 1) : a < b ? -1 : 1));
      await writeRecord(layout, summary, kept.map(([kind, id, seconds]) => `${seconds} ${kind} ${id}\n`).join(''));
      for (const { path, owner } of ended) if (owner !== undefined) await rm(path, { force: true });
      // Only what is empty is removed: another process may begin a log there just now.
      for (const day of await names(directory, refuseUnread)) await rmdir(join(directory, day)).catch(ignoreSystemError);
    },
  };
}

/**
 * Through no link: whoever may write in a cache could have root write elsewhere.
 *
 * @param creating `O_CREAT` to make the file, which all who share the cache may read, whatever the umask.
 */
async function append(path: string, text: string, creating = 0): Promise<void> {
  refuseSpecialFile(path);
  await using file = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | creating);
  if (creating !== 0) await file.chmod(0o644);
  await file.appendFile(text);
}

async function names(directory: string, unseen: Unseen): Promise<readonly string[]> {
  return (await readdir(directory).catch((error: unknown) => tellUnread(directory, unseen, error))) ?? [];
}

async function textOf(path: string, unseen: Unseen): Promise<string> {
  try {
    return (await readRegularFile(path)).toString(); // with an encoding, Node decodes piece by piece and joins: twice as long
  } catch (error) {
    return tellUnread(path, unseen, error) ?? '';
  }
}
