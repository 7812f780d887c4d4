import { randomBytes } from 'node:crypto';
import { copyFile, constants, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureDirectory, isNoFile } from '@ict/integrity';
import { hasCode, type IctError } from '@ict/plugin-api';
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
        if (!hasCode(error, 'ICT_FETCH_UNREADABLE')) throw error;
        // What is here could be made, as what any other server does not give.
        const { message, hint, facts } = error as IctError;
        throw remoteCacheError('ICT_REMOTE_CACHE_UNREACHABLE', { message, hint, facts, cause: error });
      }
    },
    async has(place) {
      try {
        return (await stat(pathOf(place))).isFile();
      } catch (error) {
        if (isNoFile(error)) return false;
        throw error;
      }
    },
    async put(place, file) {
      const target = pathOf(place);
      const part = `${target}.${randomBytes(6).toString('hex')}.part`;
      ensureDirectory(dirname(target));
      try {
        await copyFile(file, part, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        await rename(part, target);
      } catch (error) {
        await remove(part);
        throw error;
      }
    },
  };
}

function pathAt(base: URL, name: string): string {
  try {
    return fileURLToPath(base);
  } catch (cause) {
    throw remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', {
      message: `${name} names no directory of this machine`,
      hint: 'Write file:///absolute/path.',
      facts: { url: name },
      cause,
    });
  }
}
