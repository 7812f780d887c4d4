import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { packageId } from '@ict/cache';
import { systemErrorOf } from '@ict/integrity';
import { nearest } from '@ict/template';
import type { CacheImportFlags } from '../cache-commands.js';
import { withEngine } from '../engine-session.js';
import { cliError } from '../errors.js';
import { isPackageName, requireImage, requirePackage } from '../file-content.js';
import { openWritten, reapCache } from '../open-cache.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { plainText } from '../views/terminal-text.js';

/** `ict cache import`: keeps an image, marked as imported, or a package, which builds use when a signed index lists its content. */
export async function cacheImport(session: Session, file: string, flags: CacheImportFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const source = resolve(session.surroundings.cwd, file);
  if (flags.providerId === undefined && isPackageName(file)) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${file} is a package, and nothing says of what`,
      hint: 'Add --provider-id with the distribution whose images it is for, such as debian-debian13-x86_64.',
    });
  }
  await readingGiven(file, async () => {
    if (!(await stat(source)).isFile()) throw cliError('ICT_CLI_USAGE', { message: `${file} is no file`, hint: 'Name a file.' });
    await (flags.providerId === undefined ? requireImage(source, file) : requirePackage(source, file));
  });
  if (flags.providerId !== undefined) await requireProvider(session, flags.providerId, flags);
  const cache = await openWritten(engine, session.signal);
  await readingGiven(file, async () => {
    const id =
      flags.providerId === undefined
        ? await cache.images.importFile(source, basename(source), extname(source).slice(1), 'imported')
        : packageId(flags.providerId, await cache.packages(flags.providerId).importFile(source));
    await reapCache(cache, session); // an image that was kept before made way
    session.document({ kind: flags.providerId === undefined ? 'image' : 'package', id });
    session.result(`${plainText(id)}\n`);
  });
}

/** Says of a file that was given to the command that it cannot be read. */
async function readingGiven(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = systemErrorOf(error);
    if (reason === undefined) throw error; // what is said of the cache has its own code
    throw cliError('ICT_CLI_USAGE', { message: `${file} cannot be read: ${reason}`, hint: 'Name a file.', cause: error });
  }
}

/** Packages of a provider that no definition knows would lie there for ever, and no build would ask for one. */
async function requireProvider(session: Session, id: string, flags: CacheImportFlags): Promise<void> {
  const ids = await withEngine(session, { ...flags, hostMirrors: false }, async (engine) =>
    engine.distributions().flatMap(({ os, dist, architectures }) => architectures.map((arch) => `${os}-${dist}-${arch}`)),
  );
  if (ids.includes(id)) return;
  const near = nearest(id, ids);
  throw cliError('ICT_CLI_USAGE', {
    message: `no distribution is called ${JSON.stringify(id)}`,
    hint: near === undefined ? `There is ${ids.join(', ')}; --distro-file names another definition.` : `Did you mean "${near}"?`,
    facts: { providerId: id },
  });
}
