import { readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { atomicWriteFile, ensureDirectory, errnoOf, isNoFile, readPresentFile, replaceFile } from '@ict/integrity';
import type { Layout } from './layout.js';
import { tellUnread, type Unseen } from './unread.js';
import { clearWreck, type FreesPlaces } from './wreck.js';

/**
 * Reads a JSON record.
 *
 * @returns undefined when it is absent, is not JSON, or `accept` refuses it: a record that cannot be trusted is a miss.
 * @throws Node's own errors for what is there and cannot be read, such as a directory or a FIFO.
 */
export async function readRecord<T>(path: string, accept: (value: unknown) => value is T): Promise<T | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readPresentFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return accept(value) ? value : undefined;
  } catch {
    // Not JSON: damaged, so absent.
    return undefined;
  }
}

/**
 * Writes a record so that readers find the old one or the new one, whole. A crash leaves only what lies in the temporary directory of
 * this process, which others clear. A directory in the place of a record makes way.
 */
export async function writeRecord(layout: WritesRecords, path: string, text: string): Promise<void> {
  await inPlace(layout, path, async () => atomicWriteFile(path, text, { temporary: await layout.temporaryFile() }));
}

/**
 * As {@link writeRecord}, but not flushed to the disk. For what only spares work, and is compared with the file that it speaks of, or with
 * its own digest, when it is read: a power cut may lose it or cut it short, and then the work is done again.
 */
export async function writeHint(layout: WritesRecords, path: string, text: Uint8Array | string): Promise<void> {
  await inPlace(layout, path, async () => replaceFile(path, text, await layout.temporaryFile()));
}

type WritesRecords = Pick<Layout, 'temporaryFile'> & FreesPlaces;

/** Runs `write`, which makes `path`, and once more when its directory went away meanwhile, or a directory lay in its place. */
async function inPlace(layout: FreesPlaces, path: string, write: () => Promise<void>): Promise<void> {
  ensureDirectory(dirname(path));
  try {
    await write();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') ensureDirectory(dirname(path));
    else if (errnoOf(error) === 'EISDIR') await clearWreck(layout, path);
    else throw error;
    await write();
  }
}

/** Removes a record; nothing happens where none is. @throws Node's own error. */
export async function removeRecord(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isNoFile(error)) throw error;
  }
}

/**
 * Paths of the records in `directory/ab/*.json`, in no particular order; none when it is absent.
 *
 * @param unseen is told of a directory that cannot be read, which is then left out.
 * @throws without `unseen`, Node's own error for such a directory, and for one that is a link to itself.
 */
export async function* listRecords(directory: string, unseen?: Unseen): AsyncGenerator<string, void, undefined> {
  for (const prefix of await entries(directory, unseen)) {
    for (const name of await entries(join(directory, prefix), unseen)) {
      if (name.endsWith('.json')) yield join(directory, prefix, name);
    }
  }
}

async function entries(directory: string, unseen: Unseen | undefined): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (unseen !== undefined) return tellUnread(directory, unseen, error) ?? [];
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
