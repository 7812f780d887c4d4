import { appendFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@ict/integrity';
import { ensureDirectory } from './directory.js';
import { isAbandoned } from './file-age.js';
import type { Layout } from './layout.js';
import { isProcessOwner, livenessOf } from './process-owner.js';
import { writeRecord } from './record-file.js';

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
  /** Last use of everything that was ever noted, none a day after now. */
  read(): Promise<Uses>;
  /** What processes that still run, this one included, have noted. */
  pinned(): Promise<ReadonlySet<EntryName>>;
  /** Draws the logs of ended processes together when there are many, or one is far ahead of the clock, keeping only entries that `keep` wants. */
  compact(keep: (kind: string, id: string) => boolean): Promise<void>;
}

/** Last uses by kind and id, seconds since 1970. Of a hundred thousand entries, no text need be made for each. */
export type Uses = ReadonlyMap<string, ReadonlyMap<string, number>>;
type CountedUses = Map<string, Map<string, number>>;

interface LogFile {
  readonly path: string;
  /** Undefined for the summary of earlier logs. */
  readonly owner: string | undefined;
}

/** A process of another machine counts as running while it wrote within this time. */
const foreignMs = 24 * 3600 * 1000;

/** Clocks of machines that share a cache may differ by this much. */
const AHEAD_SECONDS = 24 * 3600;

/** Logs that are read one by one without anybody noticing. */
const MANY_LOGS = 16;

/** Longest parts of a line, in characters. */
const SECONDS_LENGTH = 12;
const KIND_LENGTH = 12;
const ID_LENGTH = 600;

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
      await appendFile(file, text).catch(async (error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
        await ensureDirectory(day);
        await appendFile(file, text);
      });
    } catch (error) {
      if (errnoOf(error) === undefined) throw error; // whatever the system says: the use is not remembered
    }
  }

  async function logs(): Promise<readonly LogFile[]> {
    const found: LogFile[] = [{ path: summary, owner: undefined }];
    for (const day of await names(directory)) {
      if (!/^\d{4}-\d\d-\d\d$/.test(day)) continue;
      for (const name of await names(join(directory, day))) {
        if (name.endsWith('.log')) found.push({ path: join(directory, day, name), owner: name.slice(0, -'.log'.length) });
      }
    }
    return found;
  }

  async function runs({ owner, path }: LogFile): Promise<boolean> {
    if (owner === undefined || !isProcessOwner(owner)) return false;
    const liveness = owner === layout.owner ? 'alive' : livenessOf(owner);
    return liveness === 'unknown' ? !(await isAbandoned(path, foreignMs, clock(), layout)) : liveness === 'alive';
  }

  /** What was used long after now, before the clock moved backwards, counts as used now; `ahead` says whether anything was. */
  async function readAll(files: readonly LogFile[]): Promise<{ readonly used: Uses; readonly ahead: boolean }> {
    const used: CountedUses = new Map();
    for (const { path } of files) {
      readLines(await textOf(path), used);
    }
    const now = Math.floor(clock());
    let ahead = false;
    for (const ofKind of used.values()) {
      for (const [id, seconds] of ofKind) {
        if (seconds <= now + AHEAD_SECONDS) continue;
        ofKind.set(id, now);
        ahead = true;
      }
    }
    return { used, ahead };
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
    async read() {
      const { used, ahead } = await readAll(await logs());
      wasAhead = ahead;
      return used;
    },
    async pinned() {
      const files = await logs();
      const living = await Promise.all(files.map(runs));
      return new Set(
        entriesOf((await readAll(files.filter((_, index) => living[index]))).used).map(([kind, id]) => `${kind} ${id}` as EntryName),
      );
    },
    async compact(keep) {
      const files = await logs();
      const living = await Promise.all(files.map(runs));
      const ended = files.filter((_, index) => !living[index]);
      if (ended.length < MANY_LOGS && wasAhead === false) return; // what a collection has read need not be read again
      const { used, ahead } = await readAll(ended);
      if (ended.length < MANY_LOGS && !ahead) return; // what is ahead is written down, so that it ages from now on
      const kept = entriesOf(used).filter(([kind, id]) => keep(kind, id));
      const lines = kept.map(([kind, id, seconds]) => `${seconds} ${kind} ${id}\n`);
      await writeRecord(layout, summary, lines.sort().join(''));
      for (const { path, owner } of ended) if (owner !== undefined) await rm(path, { force: true });
      for (const day of await names(directory)) {
        const path = join(directory, day);
        if (day !== 'summary.log' && (await names(path)).length === 0) await rm(path, { recursive: true, force: true });
      }
    },
  };
}

function entriesOf(used: Uses): readonly (readonly [kind: string, id: string, seconds: number])[] {
  return [...used].flatMap(([kind, ids]) => [...ids].map(([id, seconds]) => [kind, id, seconds] as const));
}

/**
 * Takes the lines of a log in, of each entry the latest. Lines that a crash or a full disk cut off are passed over. A journal has a hundred
 * thousand lines, and a pattern takes three times as long for one.
 */
function readLines(text: string, used: CountedUses): void {
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const kind = text.indexOf(' ', start) + 1;
    const id = text.indexOf(' ', kind) + 1;
    if (kind === 0 || id === 0) return; // no line that follows is whole either
    if (id >= end || kind - start - 1 > SECONDS_LENGTH || id - kind - 1 > KIND_LENGTH || end - id > ID_LENGTH) continue;
    const seconds = digits(text, start, kind - 1);
    if (seconds === undefined || id - kind === 1) continue;
    const name = text.slice(kind, id - 1);
    let ofKind = used.get(name);
    if (ofKind === undefined) used.set(name, (ofKind = new Map()));
    const entry = text.slice(id, end);
    const before = ofKind.get(entry);
    if (before === undefined || before < seconds) ofKind.set(entry, seconds);
  }
}

/** A number of at least one decimal digit and nothing else; undefined for any other text. */
function digits(text: string, start: number, end: number): number | undefined {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    value = value * 10 + digit;
  }
  return start === end ? undefined : value;
}

async function names(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}
