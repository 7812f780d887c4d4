import { lstatSync, mkdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { archiveError } from './errors.js';

/** As Linux's own limit. */
const MAX_LINKS = 40;

/**
 * Finds places below a root without ever leaving it: links are followed as if the root were `/`, and one that climbs above it is an error.
 *
 * It assumes that nobody else changes the tree meanwhile, as holds for a tree in the making.
 */
export class TreePaths {
  readonly #root: string;
  readonly #onCreate: (directory: string) => void;
  /** Real directory of a member path's parent, forgotten when a directory or link is removed. */
  readonly #parents = new Map<string, string>();

  /**
   * @param root a real path (no links in it).
   * @param onCreate told of each directory that is made because no member made it.
   */
  constructor(root: string, onCreate: (directory: string) => void) {
    this.#root = root;
    this.#onCreate = onCreate;
  }

  /**
   * Splits a member's path into its parts below the root. A slash at its start means the root.
   *
   * @returns no parts for the root itself.
   * @throws `ICT_ARCHIVE_ESCAPE` when a part is `..`: even where it stays inside lexically, a link before it can make it leave.
   */
  parts(path: string): string[] {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..') || path.includes('\0')) throw escapes(path);
    return parts;
  }

  /**
   * The place of a member: its real parent directory, made if absent, and its name. What stands under that name is not looked at.
   *
   * @throws `ICT_ARCHIVE_ESCAPE`, `ICT_ARCHIVE_CONFLICT` when a parent is no directory or links go in a circle.
   */
  place(path: string): string {
    const parts = this.parts(path);
    const name = parts.pop();
    if (name === undefined) return this.#root;
    const key = parts.join('/');
    let parent = this.#parents.get(key);
    if (parent === undefined) {
      parent = this.#walk(parts, path);
      this.#parents.set(key, parent);
    }
    return join(parent, name);
  }

  /** True when `link`, at its real place, leads to a directory inside the root. @throws as {@link place} does. */
  leadsToDirectory(link: string, path: string): boolean {
    const below = link
      .slice(this.#root.length)
      .split('/')
      .filter((part) => part !== '');
    return this.#follow(below, path, false) !== undefined;
  }

  /** Call after removing a directory or a link. */
  forget(): void {
    this.#parents.clear();
  }

  #walk(parts: readonly string[], path: string): string {
    const directory = this.#follow(parts, path, true);
    if (directory === undefined) throw conflict(path, 'a part of its path is not a directory');
    return directory;
  }

  /** Real directory of the parts, or undefined when one is absent (and may not be made) or no directory. */
  #follow(parts: readonly string[], path: string, create: boolean): string | undefined {
    const pending = parts.toReversed();
    const done: string[] = [];
    let links = 0;
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '..') {
        if (done.pop() === undefined) throw escapes(path);
        continue;
      }
      const here = join(this.#root, ...done, part);
      const stats = lstatSync(here, { throwIfNoEntry: false });
      if (stats === undefined) {
        if (!create) return undefined;
        mkdirSync(here, 0o755);
        this.#onCreate(here);
        done.push(part);
      } else if (stats.isDirectory()) {
        done.push(part);
      } else if (stats.isSymbolicLink()) {
        if (++links > MAX_LINKS) throw conflict(path, 'symbolic links go in a circle');
        const target = readlinkSync(here);
        if (target.startsWith('/')) done.length = 0;
        pending.push(
          ...target
            .split('/')
            .filter((next) => next !== '' && next !== '.')
            .reverse(),
        );
      } else {
        return undefined;
      }
    }
    return join(this.#root, ...done);
  }
}

/** @throws `ICT_ARCHIVE_CONFLICT` when the root is not an existing directory. */
export function checkRoot(root: string): void {
  let stats: Stats | undefined;
  try {
    stats = statSync(root, { throwIfNoEntry: false });
  } catch (cause) {
    throw conflict(root, 'the directory to unpack into cannot be read', cause);
  }
  if (stats?.isDirectory() !== true) throw conflict(root, 'the place to unpack into is not a directory');
}

/** An entry that cannot be placed because of what is there already. */
export function conflict(path: string, reason: string, cause?: unknown): Error {
  return archiveError('ICT_ARCHIVE_CONFLICT', {
    message: `"${path}" cannot be unpacked: ${reason}`,
    hint: 'The archive does not fit what was unpacked before it.',
    facts: { path, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

function escapes(path: string): Error {
  return archiveError('ICT_ARCHIVE_ESCAPE', {
    message: `"${path.slice(0, 300)}" in the archive leads out of the directory that it is unpacked into`,
    hint: 'Do not use this archive: it is hostile or badly damaged.',
    facts: { path: path.slice(0, 300) },
  });
}
