import { statSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { ignoreSystemError } from '@ict/integrity';
import type { Json, Memo } from '@ict/plugin-api';
import { isOwnDirectory } from './own-directory.js';
import { lookAtFiles, type Column, type DirectoryFiles } from './directory-files.js';
import type { Layout } from './layout.js';
import { unlessUnread, type Unseen } from './unread.js';

/**
 * What was seen in directories of files, for those who only show it: nothing that ends up in an image, is used or is removed may go by it.
 * It holds as long as a directory has the inode and the times to the nanosecond that it had; files that are only ever put there
 * whole, by link or rename, change those.
 */
export interface DirectoryMemory {
  /** What lies in a directory, or those of it that are `wanted`: as it is remembered, or else as it is. `unseen` is told as by `lookAtFiles`. */
  look(directory: string, unseen: Unseen, wanted?: readonly string[]): DirectoryFiles;
  /** Remembers what was looked at, where that was much and this user may; silent when it cannot be written. */
  keep(): Promise<void>;
}

/** A memo of this kind has, for the directories of one place, by name, what {@link Seen} says. */
const KIND = 'directory';

/** Looking at fewer files takes no longer than remembering them. */
const MANY_FILES = 1000;

/**
 * What changed more recently is not remembered: within one tick of its file system's clock, which may be two seconds, a directory can
 * change without a trace, and what a file takes on disk may be settled half a minute after it was written.
 */
const SETTLED_SECONDS = 60;

/** A directory as it was seen. */
type Seen = {
  readonly ino: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  /** Of its files, with a slash between two: one text, because a cache has a hundred thousand. */
  readonly names: string;
  readonly allocatedBytes: readonly number[];
  readonly changedAt: readonly number[];
};

type Identity = Pick<Seen, 'ino' | 'mtimeNs' | 'ctimeNs'>;

export interface RecallOptions {
  /** Directories whose directories will be looked at. */
  readonly places: readonly string[];
  /** Now, for the file system of the cache, in milliseconds since 1970; infinite when it cannot be asked. */
  readonly time: () => Promise<number>;
  /** How many files make a memory worth its while; default 1000. */
  readonly manyFiles?: number;
}

export async function recallDirectories(layout: Layout, memo: Memo, options: RecallOptions): Promise<DirectoryMemory> {
  const { places, time, manyFiles = MANY_FILES } = options;
  const begun = performance.now();
  const recalled = new Map<string, Readonly<Record<string, Json>>>();
  for (const place of places) recalled.set(place, asRecord(await memo.get(KIND, relative(layout.cacheDir, place))));
  const kept = new Map<string, Record<string, Seen>>(places.map((place) => [place, {}]));
  const fresh: { readonly place: string; readonly name: string; readonly seen: Seen }[] = [];

  function look(directory: string, unseen: Unseen, wanted?: readonly string[]): DirectoryFiles {
    if (wanted !== undefined) return lookAtFiles(directory, unseen, wanted);
    const place = dirname(directory);
    const name = basename(directory);
    const before = identityOf(directory);
    const known = recalled.get(place)?.[name];
    const held = kept.get(place);
    if (before !== undefined && held !== undefined && isSeen(known) && isSame(known, before)) {
      held[name] = known;
      return { names: namesOf(known), allocatedBytes: known.allocatedBytes, changedAt: known.changedAt };
    }
    let whole = true;
    const { plain, ...files } = lookAtFiles(directory, (path, error) => {
      whole = false;
      unseen(path, error);
    });
    const after = identityOf(directory);
    // Names that files have elsewhere come and go without a trace in the directory.
    if (
      whole &&
      plain &&
      files.shared === undefined &&
      files.names.length > 0 &&
      before !== undefined &&
      after !== undefined &&
      isSame(before, after)
    ) {
      fresh.push({ place, name, seen: { ...after, ...files, names: files.names.join('/') } });
    }
    return files;
  }

  async function keep(): Promise<void> {
    const files = (found: typeof fresh): number => found.reduce((sum, { seen }) => sum + seen.changedAt.length, 0);
    const memos = layout.area('memo');
    const ours = unlessUnread(
      memos,
      () => undefined, // nothing is remembered
      () => isOwnDirectory(memos),
    );
    if (files(fresh) < manyFiles || ours !== true) return;
    const beganAt = (await time()) - (performance.now() - begun);
    if (!Number.isFinite(beganAt)) return; // nobody knows what has settled
    for (const [place, held] of kept) {
      const settled = fresh.filter((one) => one.place === place && lastChange(one.seen) + SETTLED_SECONDS < beganAt / 1000);
      if (files(settled) < manyFiles) continue;
      for (const { name, seen } of settled) held[name] = seen;
      await memo.set(KIND, relative(layout.cacheDir, place), held);
    }
  }

  return { look, keep };
}

/** Undefined where there is no directory that could be looked at. */
function identityOf(directory: string): Identity | undefined {
  try {
    const { ino, mtimeNs, ctimeNs } = statSync(directory, { bigint: true });
    return { ino: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
  } catch (error) {
    return ignoreSystemError(error);
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** When the directory or one of its files last changed, seconds since 1970. */
function lastChange({ mtimeNs, ctimeNs, changedAt }: Seen): number {
  return changedAt.reduce((latest, at) => Math.max(latest, at), Math.max(Number(mtimeNs), Number(ctimeNs)) / 1e9);
}

/** The names, which stay in the one text until they are asked for. */
function namesOf({ names, changedAt }: Seen): Column<string> {
  const starts = new Uint32Array(changedAt.length + 1);
  for (let at = 1; at <= changedAt.length; at++) {
    const slash = names.indexOf('/', starts[at - 1]);
    starts[at] = (slash === -1 ? names.length : slash) + 1;
  }
  return {
    length: changedAt.length,
    at: (index) => (index < changedAt.length ? names.slice(starts[index], (starts[index + 1] as number) - 1) : undefined),
  };
}

function asRecord(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, Json>>) : {};
}

function isSeen(value: unknown): value is Seen {
  if (typeof value !== 'object' || value === null) return false;
  const { ino, mtimeNs, ctimeNs, names, allocatedBytes, changedAt } = value as Record<string, unknown>;
  if (typeof names !== 'string' || ![ino, mtimeNs, ctimeNs].every((field) => typeof field === 'string')) return false;
  let count = 1;
  for (let at = names.indexOf('/'); at !== -1; at = names.indexOf('/', at + 1)) count += 1;
  const isColumn = (column: unknown): boolean => Array.isArray(column) && column.length === count && column.every(Number.isSafeInteger);
  return isColumn(allocatedBytes) && isColumn(changedAt);
}
