import { randomBytes } from 'node:crypto';
import { access, constants, copyFile, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureDirectory, isNoFile, systemErrorOf } from '@ict/integrity';
import { hasCode } from '@ict/plugin-api';
import { remove } from '../blob-file.js';
import { remoteCacheError } from '../errors.js';
import { printedAddress } from './address.js';
import { download } from './download.js';
import type { Store, Transport } from './store.js';

/**
 * A directory of this machine, such as one that a service of CI carries from job to job.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openFileStore(base: URL, { fetcher }: Pick<Transport, 'fetcher'>): Store {
  const name = printedAddress(base.href);
  const directory = pathAt(base, name);
  // A place is a path as it is: what is escaped in it stays so.
  const pathOf = (place: string): string => join(directory, place);
  return {
    name,
    async get(request) {
      try {
        return await download(fetcher, { ...request, url: pathToFileURL(pathOf(request.place)).href });
      } catch (error) {
        throw hasCode(error, 'ICT_FETCH_UNREADABLE') ? inTrouble(name, error) : error; // else it is where its files go that is at fault
      }
    },
    async has(place) {
      try {
        return (await stat(pathOf(place))).isFile();
      } catch (error) {
        if (isNoFile(error)) return false;
        throw inTrouble(name, error);
      }
    },
    async put(place, file) {
      const target = pathOf(place);
      const part = `${target}.${randomBytes(6).toString('hex')}.part`;
      await access(file, constants.R_OK);
      try {
        ensureDirectory(dirname(target));
        await copyFile(file, part, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        await settle(part);
        await rename(part, target);
      } catch (error) {
        await remove(part);
        throw inTrouble(name, error);
      }
    },
  };
}

/** Whoever may read the directory may read this, and as it counts without a look at it, it must not be empty after a power cut. */
async function settle(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.chmod(0o644);
  await file.sync();
}

/** What such a directory does not give, or take, is the same as with any other server. */
function inTrouble(name: string, cause: unknown): Error {
  const reason = systemErrorOf(cause) ?? (cause as Error).message;
  return remoteCacheError('ICT_REMOTE_CACHE_UNREACHABLE', {
    message: `${name} cannot be used: ${reason}`,
    hint: 'Check that the directory is there, who may read and write in it, and how much room it has.',
    facts: { url: name, reason },
    cause,
  });
}

function pathAt(base: URL, name: string): string {
  const refuse = (cause?: unknown): Error =>
    remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', {
      message: `${name} names no directory for a cache`,
      hint: 'Write file:///absolute/path.',
      facts: { url: name },
      ...(cause === undefined ? {} : { cause }),
    });
  let path: string;
  try {
    path = fileURLToPath(base);
  } catch (cause) {
    throw refuse(cause);
  }
  if (path === '/' || path.includes('\0')) throw refuse();
  return path;
}
