import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { packageId } from '@ict/cache';
import { systemErrorOf } from '@ict/integrity';
import type { CacheImportFlags } from '../cache-commands.js';
import { cliError } from '../errors.js';
import { openWritten, reapCache } from '../open-cache.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { plainText } from '../views/terminal-text.js';

/** Without a provider such a file would become an image, which no build looks at. */
const PACKAGE = /\.(?:deb|rpm)$/;

/** `ict cache import`: keeps an image, marked as imported, or a package, which builds use when a signed index lists its content. */
export async function cacheImport(session: Session, file: string, flags: CacheImportFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const source = resolve(session.surroundings.cwd, file);
  if (flags.providerId === undefined && PACKAGE.test(file)) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${file} is a package, and nothing says of what`,
      hint: 'Add --provider-id with the distribution whose images it is for, such as debian-debian13-x86_64.',
    });
  }
  const cache = await openWritten(engine);
  try {
    if (!(await stat(source)).isFile()) throw cliError('ICT_CLI_USAGE', { message: `${file} is no file`, hint: 'Name a file.' });
    const id =
      flags.providerId === undefined
        ? await cache.images.importFile(source, basename(source), extname(source).slice(1), 'imported')
        : packageId(flags.providerId, await cache.packages(flags.providerId).importFile(source));
    await reapCache(cache, session); // an image that was kept before made way
    session.document({ kind: flags.providerId === undefined ? 'image' : 'package', id });
    session.result(`${plainText(id)}\n`);
  } catch (error) {
    const reason = systemErrorOf(error);
    if (reason === undefined) throw error; // what is said of the cache has its own code
    throw cliError('ICT_CLI_USAGE', { message: `${file} cannot be read: ${reason}`, hint: 'Name a file.', cause: error });
  }
}
