import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsync, lstatSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from './system-error.js';

/**
 * Name for a temporary file beside its final place: `.ict-<pid>-<16 hex digits>.tmp`. A clean-up that finds such a name whose
 * process is gone may remove the file.
 */
export function temporaryName(): string {
  return `.ict-${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
}

/** Whether a file has a {@link temporaryName}. */
export function isTemporaryName(name: string): boolean {
  return /^\.ict-\d+-[0-9a-f]{16}\.tmp$/.test(name);
}

/**
 * Replaces `path` by these bytes, so that after a crash at any moment readers find the old file or the new one, whole.
 * The bytes are written to a new file in the same directory, flushed, renamed over `path`, and the directory is flushed.
 *
 * @param options.mode permission bits, exactly (the umask is not applied); default 0o644.
 * @param options.temporary where the new file is until then, on the same file system; default: beside `path`, under {@link temporaryName}.
 * @throws Node's own error; the temporary file is removed and `path` is untouched, unless only the last flush failed.
 */
export async function atomicWriteFile(
  path: string,
  bytes: Uint8Array | string,
  options: { readonly mode?: number; readonly temporary?: string } = {},
): Promise<void> {
  const directory = dirname(path);
  const { temporary = join(directory, temporaryName()) } = options;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.chmod(options.mode ?? 0o644);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await removeIfPresent(temporary);
    throw error;
  }
  await syncDirectory(directory);
}

/**
 * As {@link atomicWriteFile}, but flushes nothing: after a power cut readers may find the old file, the new one, or one that is
 * empty or cut short. For records that a reader checks and whose loss costs only work. The calls are made synchronously: together they
 * take less than one trip through Node's thread pool.
 *
 * @throws Node's own error; the temporary file is removed and `path` is untouched.
 */
export async function replaceFile(path: string, bytes: Uint8Array | string, temporary: string): Promise<void> {
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, bytes);
      fchmodSync(file, 0o644);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    await removeIfPresent(temporary);
    throw error;
  }
}

/**
 * Makes a file with these bytes, where nothing may be yet; where they cannot be written, it is gone again.
 *
 * @param mode permission bits, exactly (the umask is not applied): what users share, one whose umask is strict leaves readable for others.
 * @throws Node's own error, `EEXIST` for one.
 */
export async function writeNewFile(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.chmod(mode);
  } catch (error) {
    await removeIfPresent(path);
    throw error;
  }
}

/**
 * Gives a finished temporary file its final name without ever replacing what is there. The file is flushed first, so the name
 * never shows a part of it. `temporary` is gone afterwards in either case; on another error it stays.
 *
 * Both names must be on one file system that has hard links.
 *
 * @returns true when this call published the file, false when `final` was there already (another writer won).
 * @throws Node's own error, such as `EXDEV` or `ENOSPC`.
 */
export async function publishByLink(temporary: string, final: string): Promise<boolean> {
  await flushFile(temporary);
  const published = await linkNew(temporary, final);
  if (published) await syncDirectory(dirname(final));
  await unlink(temporary);
  return published;
}

/**
 * Gives a file another name, where nothing has that. A file server may say that something does of what it did itself: when its first answer was lost
 * and it was asked again.
 *
 * @returns false when something else has the name.
 * @throws Node's own error.
 */
export async function linkNew(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const [own, found] = [file, name].map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
    return own !== undefined && own.ino === found?.ino && own.dev === found.dev;
  }
}

/** Flushes a directory, so that names made in it survive a power cut. Nothing happens on Windows, which cannot open directories. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  await flushFile(directory);
}

const flush = promisify(fsync);

/** Waits until the content of a file is on the disk, and for nothing else: opening it in another thread takes longer. @throws Node's own error. */
export async function flushFile(file: string): Promise<void> {
  const descriptor = openSync(file, 'r');
  try {
    await flush(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * {@link syncDirectory} for one directory, shared by all who ask: a flush that has not begun when somebody asks serves them too, so
 * that many names made at the same time cost few flushes.
 */
export function sharedDirectorySync(directory: string): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      const flush = syncDirectory(directory);
      // Who waits for this flush sees its failure; the one after it begins all the same.
      running = flush.catch(() => undefined);
      return flush;
    });
    return next;
  };
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // Creating it may be what failed; whatever else goes wrong here must not hide the first error.
  }
}
