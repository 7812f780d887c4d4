import { randomBytes } from 'node:crypto';
import { copyFile, constants, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDirectory, isNoFile } from '@ict/integrity';
import { remove } from '../blob-file.js';
import { addressOf, printedAddress } from './address.js';
import { download } from './download.js';
import type { Store, Transport } from './store.js';

/** A directory of this machine, such as one that a service of CI carries from job to job. */
export function openFileStore(base: URL, { fetcher }: Pick<Transport, 'fetcher'>): Store {
  const pathOf = (place: string): string => fileURLToPath(addressOf(base, place));
  return {
    name: printedAddress(base.href),
    get: (request) => download(fetcher, { ...request, url: addressOf(base, request.place) }),
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
