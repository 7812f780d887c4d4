import { lstatSync, lutimesSync, readdirSync, readlinkSync, unlinkSync, type BigIntStats, type Stats } from 'node:fs';
import { ContentHasher } from '@ict/integrity';
import { comparePaths, type LayerEntry } from '../manifest.js';
import type { LayerSignature } from '../protocol.js';

const SLASH = Buffer.from('/');
const NANOSECONDS = 1_000_000_000n;

/** Joins raw names: a layer may hold names that are not UTF-8. */
export function joinRaw(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, SLASH, name]);
}

/** Raw names of what lies in a directory, sorted by bytes. */
export function namesIn(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare);
}

/**
 * Is told of an entry that stays: its path below the directory, such as `/etc`, empty for the directory itself; what lstat said before
 * anything was done to it; and whether it got another time.
 */
export type Settled = (relative: Buffer, stats: BigIntStats, touched: boolean) => void;

/**
 * Gives every entry a time that another build would give it too: whole seconds, none after `epochSeconds`. Directories come
 * after what is in them. Sockets go: nothing can use one without the process that made it, and no archive keeps them.
 */
export function settle(directory: string, epochSeconds: number, settled: Settled = () => undefined): void {
  const visit = (path: Buffer, relative: Buffer): void => {
    const stats = lstatSync(path, { bigint: true });
    if (stats.isSocket()) return unlinkSync(path);
    if (stats.isDirectory()) for (const name of namesIn(path)) visit(joinRaw(path, name), joinRaw(relative, name));
    // Removing a socket from a directory changed its time; the time from before counts.
    const seconds = Math.min(Number(floorSeconds(stats)), epochSeconds);
    const now = stats.isDirectory() ? lstatSync(path, { bigint: true }) : stats;
    const touched = now.mtimeNs !== BigInt(seconds) * NANOSECONDS;
    if (touched) lutimesSync(path, seconds, seconds);
    settled(relative, stats, touched);
  };
  visit(Buffer.from(directory), Buffer.alloc(0));
}

function floorSeconds(stats: BigIntStats): bigint {
  const seconds = stats.mtimeNs / NANOSECONDS;
  return stats.mtimeNs % NANOSECONDS < 0n ? seconds - 1n : seconds;
}

/**
 * Signature of a directory: equal while nothing in it was written, renamed or re-made. It reads no file, and a change that
 * restores size and mtime still shows, in the ctime.
 */
export function signDirectory(directory: string): LayerSignature {
  const hasher = new ContentHasher();
  let entries = 0;
  const visit = (path: Buffer, relative: Buffer): void => {
    const stats = lstatSync(path, { bigint: true });
    entries++;
    hasher.update(relative);
    hasher.update(Buffer.from(`\0${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.mode}\n`));
    if (!stats.isDirectory()) return;
    for (const name of namesIn(path)) visit(joinRaw(path, name), joinRaw(relative, name));
  };
  visit(Buffer.from(directory), Buffer.alloc(0));
  return { digest: hasher.finish().digest, entries };
}

/**
 * Compares a directory with a manifest by what lstat says: type, mode, owner, time, size, link target. Cheap, but blind to
 * content changed with its size and time restored, and to extended attributes.
 *
 * @returns paths that differ, sorted by bytes.
 */
export function compareDirectory(directory: string, entries: readonly LayerEntry[]): string[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  const missing = new Set(all.keys());
  const changed: string[] = [];
  const visit = (path: Buffer, relative: string): void => {
    const stats = lstatSync(path);
    const name = relative === '' ? '/' : relative;
    const entry = all.get(name);
    missing.delete(name);
    // The first name of a hard link describes them all.
    const described = entry?.hardlinkOf === undefined ? entry : all.get(entry.hardlinkOf);
    if (described === undefined || !matches(stats, path, described)) changed.push(name);
    if (stats.isDirectory()) for (const child of namesIn(path)) visit(joinRaw(path, child), `${relative}/${child.toString()}`);
  };
  visit(Buffer.from(directory), '');
  return [...changed, ...missing].sort(comparePaths);
}

function matches(stats: Stats, path: Buffer, entry: LayerEntry): boolean {
  if (entry.whiteout === true) return stats.isCharacterDevice() && stats.rdev === 0;
  const kinds = {
    file: stats.isFile(),
    directory: stats.isDirectory(),
    symlink: stats.isSymbolicLink(),
    character: stats.isCharacterDevice(),
    block: stats.isBlockDevice(),
    fifo: stats.isFIFO(),
    socket: stats.isSocket(),
  };
  return (
    kinds[entry.type] &&
    (stats.mode & 0o7777) === entry.mode &&
    stats.uid === entry.uid &&
    stats.gid === entry.gid &&
    Math.floor(stats.mtimeMs / 1000) === entry.mtimeSeconds &&
    (entry.sizeBytes === undefined || stats.size === entry.sizeBytes) &&
    (entry.linkTarget === undefined || readlinkSync(path) === entry.linkTarget)
  );
}
