import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { temporaryName } from '@ict/integrity';
import type { CacheImportFlags } from '../cache-commands.js';
import { cliError } from '../errors.js';
import { openWritten } from '../open-cache.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText } from '../views/terminal-text.js';

/** `ict cache import`: keeps an image, marked as imported, or a package, which builds use when a signed index lists its content. */
export async function cacheImport(session: Session, file: string, flags: CacheImportFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const source = resolve(session.surroundings.cwd, file);
  const cache = await openWritten(engine);
  try {
    const id =
      flags.providerId === undefined
        ? await cache.images.importFile(source, basename(source), extname(source).slice(1), 'imported')
        : await placePackage(source, flags.providerId, cache.packages(flags.providerId).directory);
    session.document({ kind: flags.providerId === undefined ? 'image' : 'package', id });
    session.result(`${plainText(id)}\n`);
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (path !== source || !['ENOENT', 'EACCES', 'EISDIR'].includes(code ?? '')) throw error;
    throw cliError('ICT_CLI_USAGE', { message: `${file} cannot be read: ${code}`, hint: 'Name a file.', cause: error });
  }
}

/** Puts a package where the next build that needs it looks; it counts only with the digest that the build expects. */
async function placePackage(source: string, providerId: string, directory: string): Promise<string> {
  const name = basename(source);
  const fresh = join(directory, temporaryName());
  await mkdir(directory, { recursive: true });
  try {
    await copyFile(source, fresh, constants.COPYFILE_FICLONE);
    await rename(fresh, join(directory, name));
  } finally {
    await rm(fresh, { force: true });
  }
  return `${providerId}/${name}`;
}
