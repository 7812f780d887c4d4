import { lstatSync, lutimesSync, readdirSync, readlinkSync, unlinkSync, type BigIntStats, type Stats } from 'node:fs';
import { ContentHasher, digestOf, fileTime } from '@ict/integrity';
import { comparePaths, type LayerEntry } from '../manifest.js';
import type { LayerSignature, LayerTimes } from '../protocol.js';

/** In a second. */
export const NANOSECONDS = 1_000_000_000n;

/**
 * A path as the kernel keeps it, each character a byte: a layer may hold names that are not UTF-8. Such texts are joined, compared and
 * hashed in half the time that buffers take.
 */
export type RawPath = string;

const ASCII = /^[\0-\x7f]*$/;

/** The raw path of an ordinary one. */
export function rawPath(path: string): RawPath {
  return ASCII.test(path) ? path : Buffer.from(path).toString('latin1');
}

/** As functions of `node:fs` take it. */
export function forSystem(path: RawPath): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1');
}

/** As text; what is not UTF-8 in it is replaced. */
export function textOf(path: RawPath): string {
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1').toString();
}

/** Names of what lies in a directory, in the order of their bytes. */
export function namesIn(directory: RawPath): RawPath[] {
  return readdirSync(forSystem(directory), { encoding: 'latin1' }).sort();
}

/**
 * Is told of an entry that stays: its path below the directory, such as `/etc`, empty for the directory itself; what lstat said before
 * anything was done to it; and whether it got another time.
 */
export type Settled = (relative: RawPath, stats: BigIntStats, touched: boolean) => void;

/**
 * Gives every entry a time that another build would give it too, in whole seconds. Directories come
 * after what is in them. Sockets go: nothing can use one without the process that made it, and no archive keeps them.
 *
 * @returns what {@link signDirectory} takes for the contents, so that the same entries need not be looked at once more.
 */
export function settle(
  directory: string,
  { epochSeconds, latestSeconds = epochSeconds }: LayerTimes,
  settled: Settled = () => undefined,
): LayerSignature {
  const states = new EntryStates();
  const visit = (path: RawPath, relative: RawPath): void => {
    const stats = lstatSync(forSystem(path), { bigint: true });
    if (stats.isSocket()) return unlinkSync(forSystem(path));
    if (stats.isDirectory()) for (const name of namesIn(path)) visit(`${path}/${name}`, `${relative}/${name}`);
    // Removing a socket from a directory changed its time; the time from before counts.
    const own = Number(floorSeconds(stats));
    const seconds = own > latestSeconds ? epochSeconds : own;
    const now = stats.isDirectory() ? lstatSync(forSystem(path), { bigint: true }) : stats;
    const touched = now.mtimeNs !== BigInt(seconds) * NANOSECONDS;
    if (touched) {
      const time = fileTime(seconds);
      lutimesSync(forSystem(path), time, time);
    }
    if (relative !== '') states.add(relative, touched ? lstatSync(forSystem(path), { bigint: true }) : now);
    settled(relative, stats, touched);
  };
  visit(rawPath(directory), '');
  return states.finish();
}

function floorSeconds(stats: BigIntStats): bigint {
  const seconds = stats.mtimeNs / NANOSECONDS;
  return stats.mtimeNs % NANOSECONDS < 0n ? seconds - 1n : seconds;
}

/**
 * Looks at a directory and all that is in it, directories after what is in them, names in the order of their bytes; with paths below it,
 * such as `/etc`.
 */
export function look(directory: string, seen: (relative: RawPath, stats: BigIntStats) => void): void {
  const visit = (path: RawPath, relative: RawPath): void => {
    const stats = lstatSync(forSystem(path), { bigint: true });
    if (stats.isDirectory()) for (const name of namesIn(path)) visit(`${path}/${name}`, `${relative}/${name}`);
    seen(relative, stats);
  };
  visit(rawPath(directory), '');
}

/** Changes with everything that a manifest tells of an entry: whatever is written, renamed, linked or given attributes gets a new ctime. */
export function stateOf({ ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs} ${mode}`;
}

/**
 * Signature of a directory: equal while nothing in it was written, renamed or re-made. It reads no file, and a change that
 * restores size and mtime still shows, in the ctime. That of the contents and the state of the directory itself make it, so that the
 * contents need no second look after the directory was moved.
 *
 * @param contents what {@link settle} returned for them.
 */
export function signDirectory(directory: string, contents: LayerSignature = lookAtContents(directory)): LayerSignature {
  const own = lstatSync(forSystem(rawPath(directory)), { bigint: true });
  return { digest: digestOf(Buffer.from(`${contents.digest}\n${stateOf(own)}\n`)), entries: contents.entries + 1 };
}

function lookAtContents(directory: string): LayerSignature {
  const states = new EntryStates();
  look(directory, (relative, stats) => {
    if (relative !== '') states.add(relative, stats);
  });
  return states.finish();
}

/** The digest of what the file system says of entries. */
class EntryStates {
  readonly #hasher = new ContentHasher();
  #entries = 0;
  #text = '';

  add(relative: RawPath, stats: BigIntStats): void {
    this.#entries++;
    this.#text += `${relative}\0${stateOf(stats)}\n`;
    if (this.#text.length >= HASHED_CHARACTERS) this.#hash();
  }

  finish(): LayerSignature {
    this.#hash();
    return { digest: this.#hasher.finish().digest, entries: this.#entries };
  }

  #hash(): void {
    this.#hasher.update(Buffer.from(this.#text, 'latin1'));
    this.#text = '';
  }
}

/** Hashed at a time: a call for each entry would cost more than the digest. */
const HASHED_CHARACTERS = 64 * 1024;

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
  const visit = (path: RawPath, relative: string): void => {
    const stats = lstatSync(forSystem(path));
    const name = relative === '' ? '/' : relative;
    const entry = all.get(name);
    missing.delete(name);
    // The first name of a hard link describes them all.
    const described = entry?.hardlinkOf === undefined ? entry : all.get(entry.hardlinkOf);
    if (described === undefined || !matches(stats, path, described)) changed.push(name);
    if (stats.isDirectory()) for (const child of namesIn(path)) visit(`${path}/${child}`, `${relative}/${textOf(child)}`);
  };
  visit(rawPath(directory), '');
  return [...changed, ...missing].sort(comparePaths);
}

function matches(stats: Stats, path: RawPath, entry: LayerEntry): boolean {
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
    (entry.linkTarget === undefined || readlinkSync(forSystem(path)) === entry.linkTarget)
  );
}
