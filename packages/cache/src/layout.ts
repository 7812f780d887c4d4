import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { lstat, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  digestHex,
  ensureDirectory,
  ensureOwnDirectory,
  errnoOf,
  ignoreSystemError,
  isDiskFull,
  isNoFile,
  publishByLink,
  readRegularFile,
  systemErrorOf,
  writeNewFile,
} from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { cacheError } from './errors.js';
import { currentOwner, type ProcessOwner } from './process-owner.js';
import { storageFailure } from './storage-failure.js';
import { isOwnDirectory } from './own-directory.js';
import { againWhenRemoved } from './removed-meanwhile.js';
import { unreadable } from './unread.js';

/** Version of what lies below `.ict`. Raised when an older ict could misread it. */
export const layoutVersion = 1;

const areas = ['blobs', 'index', 'layers', 'locks', 'memo', 'mounts', 'tmp', 'trash', 'twins', 'used', 'fetch'] as const;
export type Area = (typeof areas)[number];
/** What consists of trees, which belong on a disk of this machine, and to one user. */
const treeAreas: ReadonlySet<Area> = new Set(['layers', 'mounts']);

/** How a cache directory is laid out. */
export interface LayoutOptions {
  /** For throw-away files; default: `.ict/tmp` of the trees. */
  readonly scratchDir?: string | undefined;
  /** A directory on a disk of this machine that has a `.ict` for trees, what they are made in, and their locks; default: `cacheDir`. */
  readonly treesDir?: string | undefined;
  /** Change nothing: for a look at a cache that may not be written. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** Paths of a cache directory. Pure but for {@link Layout.leave}, {@link Layout.temporaryDirectory} and {@link Layout.toTrash}. */
export interface Layout {
  readonly cacheDir: string;
  readonly owner: ProcessOwner;
  /** The `.ict` of the cache directory and that of its trees, when this is another. */
  readonly roots: readonly string[];
  area(name: Area): string;
  /** Where locks lie of what only this machine has. */
  readonly machineLocks: string;
  blob(digest: Digest): string;
  /** `.ict/index/{kind}/ab/{key}.json` */
  record(kind: string, key: string): string;
  packages(providerId: string): string;
  /** Where scratch directories of all processes lie. */
  readonly scratchRoot: string;
  /** A new private directory for throw-away files, below `{scratchRoot}/{owner}`; perhaps on another file system. */
  scratchDirectory(purpose: string): Promise<string>;
  /** A new private directory below `.ict/tmp/{owner}` of the trees. */
  temporaryDirectory(purpose: string): Promise<string>;
  /**
   * A path below `.ict/tmp/{owner}` at which nothing is yet, in a directory that this layout has for itself; default: on the file system of
   * records and blobs.
   */
  temporaryFile(beside?: 'records' | 'trees'): Promise<string>;
  /** Removes what is empty of the directories of this layout and of its process. What needs one later makes it again. */
  leave(): void;
  /** A path in a directory of `pkgCache` or `imageCache`, which may be volumes of their own, at which nothing is yet. */
  hidden(directory: string): string;
  /**
   * Renames something of the cache into `.ict/trash`, at once and whole; what lies on a volume of its own, to a hidden name there. False
   * when it is gone already.
   */
  toTrash(path: string): Promise<boolean>;
  /** Like `toTrash`. @returns where it lies now, for {@link putBack}; undefined when it is gone already. */
  setAside(path: string): Promise<string | undefined>;
  /** Whether this is the name of something that this layout set aside, without the dot of a hidden one; what others of its process set aside, they may put back. */
  isOwnTrash(name: string): boolean;
  /** Undoes `setAside`. False when something new took its place. */
  putBack(aside: string, path: string): Promise<boolean>;
}

/** False for anything empty, hidden, with a slash, a backslash or a control character, or beyond 255 bytes. */
export function isPathSegment(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  return /^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*$/.test(name) && Buffer.byteLength(name) <= 255;
}

/**
 * A name that is safe as one segment of a path.
 *
 * @throws `ICT_CACHE_NAME` for what is none ({@link isPathSegment}).
 */
export function pathSegment(name: string, what: string): string {
  if (!isPathSegment(name)) {
    throw cacheError('ICT_CACHE_NAME', {
      message: `${JSON.stringify(name)} cannot name ${what} in the cache`,
      hint: 'Use a plain name without slashes that does not begin with a dot.',
      facts: { name },
    });
  }
  return name;
}

/**
 * A new private directory for throw-away files. A collection of the cache whose scratch directory `root` is removes it once its owner is gone.
 *
 * @returns `{root}/{owner}/{purpose}-{random}`
 * @throws `ICT_CACHE_UNWRITABLE` when another user was there first; Node's own errors.
 */
export async function privateDirectory(root: string, purpose: string, owner = currentOwner()): Promise<string> {
  const own = join(root, owner);
  const path = join(own, `${pathSegment(purpose, 'a temporary directory')}-${random()}`);
  return againWhenRemoved(() => {
    // At once, so that no other cache of this process leaves in between and takes the empty directory away.
    ensureOwnDirectory(own, 0o700);
    if (!isOwnDirectory(own)) {
      lstatSync(own); // it throws where nothing is any more
      throw cacheError('ICT_CACHE_UNWRITABLE', {
        message: `${own}, where this process is to put its temporary files, is not this user\u2019s`,
        hint: 'Remove it, or name a directory of your own with --temp-dir.',
        facts: { directory: own },
      });
    }
    ensureOwnDirectory(path, 0o700);
    return path;
  });
}

/** What keeps a directory of temporary files from being made, which the user may have named. */
function noScratch(directory: string, error: unknown): unknown {
  const reason = systemErrorOf(error);
  if (reason === undefined || isDiskFull(error)) return error;
  return cacheError('ICT_CACHE_UNWRITABLE', {
    message: `${directory}, where temporary files are to go, cannot be written: ${reason}`,
    hint: 'Name a directory of your own with --temp-dir, or correct temp_dir in the configuration.',
    facts: { directory, reason },
    cause: error,
  });
}

function random(): string {
  return randomBytes(8).toString('hex');
}

/**
 * Where this user's trees are. Their files have owners, as numbers that a sandbox of another user takes for somebody else's: root would
 * take the system of an ordinary user for one whose files belong to that user. So each user who shares a cache has trees of its own:
 * whoever was first at `path`, others beside it.
 */
function treePlace(path: string): string {
  const own = process.geteuid?.();
  const owner = ownerOf(path);
  return own === undefined || owner === undefined || owner === own ? path : `${path}-${own}`;
}

/**
 * Makes a directory for trees, which nobody but this user and root can enter. A tree is as its image wants it: with programs that act with
 * the powers of their owner, whoever starts them, and device nodes that are open to all. One that an earlier ict left open is closed.
 */
function ensureClosedDirectory(path: string): void {
  ensureOwnDirectory(path);
  const { mode, uid } = statSync(path);
  if (uid === process.geteuid?.() && (mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** Takes microseconds: a collection moves thousands, and a trip through the thread pool takes ten times as long. */
function moveAside(path: string, aside: string): string | undefined {
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Puts a file back that is another user's, to which the system lets this one make no link: at once, so that hardly anything takes its place
 * between look and move.
 *
 * @returns false when something did before.
 * @throws `error` when it says anything else.
 */
export function giveBack(error: unknown, aside: string, path: string): boolean {
  if (errnoOf(error) !== 'EPERM') throw error;
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
  renameSync(aside, path);
  return true;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    ignoreSystemError(error); // absent, in use, or refused: whoever reaps comes by
  }
}

/** Undefined for what is absent or cannot be looked at. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid;
  } catch (error) {
    return ignoreSystemError(error);
  }
}

/** Each time a file is written, to see that it can be; only the first one stays, and is flushed. */
async function writeVersion(file: string, temporary: string): Promise<void> {
  await writeNewFile(temporary, `${layoutVersion}\n`);
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) await publishByLink(temporary, file);
  else await unlink(temporary);
}

/** @returns 1 where nothing was written yet; undefined where something is that says nothing. @throws Node's own errors. */
async function readVersion(file: string): Promise<number | undefined> {
  try {
    const text = (await readRegularFile(file)).toString();
    return /^\d{1,6}\n?$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return errnoOf(error) === 'ENOENT' ? 1 : undefined;
  }
}

/**
 * A version that is damaged is not written anew: it is written once, and flushed, so that no crash of an ict damages it, and a newer one may have
 * written what lies beside it.
 */
function requireKnown(version: number | undefined, file: string): void {
  if (version !== undefined && version <= layoutVersion) return;
  throw cacheError('ICT_CACHE_VERSION', {
    message:
      version === undefined
        ? `${file} does not say by which version of ict the cache was written`
        : `The cache was written by a newer ict: ${file} says ${version}, this ict knows ${layoutVersion}`,
    hint:
      version === undefined
        ? 'If no newer ict was used there, remove that file, and the cache is used as it is; else name another --cache-dir.'
        : 'Use a newer ict, or another --cache-dir.',
    facts: { file, version, known: layoutVersion },
  });
}

/**
 * Makes the directories of a cache and checks that they can be written.
 *
 * @throws `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_VERSION`, `ICT_CACHE_DISK_FULL`.
 */
export async function openLayout(cacheDir: string, owner: ProcessOwner, options: LayoutOptions = {}): Promise<Layout> {
  const { treesDir = cacheDir, scratchDir, readOnly = false } = options;
  const hidden = join(cacheDir, '.ict');
  const trees = join(treesDir, '.ict');
  const chooseTreePlaces = (): Map<Area, string> => new Map([...treeAreas].map((name) => [name, treePlace(join(trees, name))]));
  let treePlaces = chooseTreePlaces();
  const area = (name: Area): string => treePlaces.get(name) ?? join(hidden, name);
  const scratchRoot = scratchDir ?? join(trees, 'tmp');

  /** Tells this layout from others that the process has open. */
  const session = random();

  async function temporaryFile(beside: 'records' | 'trees' = 'records'): Promise<string> {
    const own = join(beside === 'trees' ? trees : hidden, 'tmp', owner, session);
    ensureOwnDirectory(own, 0o700);
    return join(own, `file-${random()}`);
  }

  const ownTrash = `${owner}.${session}-`;
  let setAsideBefore = 0;

  const volumes = [join(cacheDir, 'pkgCache', '/'), join(cacheDir, 'imageCache', '/')];

  async function setAside(path: string): Promise<string | undefined> {
    const name = `${ownTrash}${setAsideBefore++}`;
    const aside = join(path.startsWith(`${trees}/`) ? trees : hidden, 'trash', name);
    try {
      return moveAside(path, aside);
    } catch (error) {
      // On a volume of its own it is hidden where it is.
      if (errnoOf(error) !== 'EXDEV' || !volumes.some((volume) => path.startsWith(volume))) throw error;
      return moveAside(path, join(dirname(path), `.${name}`));
    }
  }

  const versionFile = join(hidden, 'VERSION');
  try {
    if (!readOnly) {
      // What a newer ict wrote stays as it is; of what else is wrong the system says more when directories are made.
      const before = await readVersion(versionFile).catch(ignoreSystemError);
      if (before !== undefined) requireKnown(before, versionFile);
      for (const name of areas) (treeAreas.has(name) ? ensureOwnDirectory : ensureDirectory)(area(name));
      // Another user may have been first at one that was not there when this began.
      treePlaces = chooseTreePlaces();
      for (const name of treeAreas) ensureClosedDirectory(area(name));
      for (const name of ['tmp', 'trash', 'locks']) ensureDirectory(join(trees, name));
      await writeVersion(versionFile, await temporaryFile());
    }
    const version = await readVersion(versionFile).catch((error: unknown) => Promise.reject(unreadable(versionFile, error)));
    requireKnown(version, versionFile);
  } catch (error) {
    throw storageFailure(error, { what: 'its directories', directory: cacheDir });
  }

  return {
    cacheDir,
    owner,
    roots: [...new Set([hidden, trees])],
    machineLocks: join(trees, 'locks'),
    area,
    blob(digest) {
      const hex = digestHex(digest);
      return join(area('blobs'), 'sha256', hex.slice(0, 2), hex);
    },
    record: (kind, key) => join(area('index'), kind, key.slice(0, 2), `${key}.json`),
    packages: (providerId) => join(cacheDir, 'pkgCache', pathSegment(providerId, 'a provider')),
    scratchRoot,
    scratchDirectory: (purpose) =>
      privateDirectory(scratchRoot, purpose, owner).catch((error: unknown) => Promise.reject(noScratch(scratchRoot, error))),
    temporaryDirectory: (purpose) => privateDirectory(join(trees, 'tmp'), purpose, owner),
    temporaryFile,
    leave() {
      for (const root of new Set([join(hidden, 'tmp'), join(trees, 'tmp'), scratchRoot])) {
        removeIfEmpty(join(root, owner, session));
        removeIfEmpty(join(root, owner));
      }
    },
    hidden: (directory) => join(directory, `.${owner}.${random()}`),
    setAside,
    isOwnTrash: (name) => name.startsWith(ownTrash),
    toTrash: async (path) => (await setAside(path)) !== undefined,
    async putBack(aside, path) {
      try {
        if (!(await lstat(aside)).isDirectory())
          return await publishByLink(aside, path).catch((error: unknown) => giveBack(error, aside, path));
        await rename(aside, path);
        return true;
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
        throw error;
      }
    },
  };
}
