import { chown, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { atomicWriteFile, ensureDirectory, readRegularFile } from '@ict/integrity';
import { type ConfigScope, configFileOf } from '@ict/template';
import type { ConfigScopeFlags } from './config-commands.js';
import { cliError } from './errors.js';
import { giveToInvoker } from './invoker.js';
import type { Surroundings } from './session.js';
import { unwritableFile } from './unwritable-file.js';

/**
 * The file that the command line names: an argument, `--config`, or that of a scope.
 *
 * @throws `ICT_CLI_USAGE` when it names several
 */
export async function chosenConfigFile(
  surroundings: Surroundings,
  flags: ConfigScopeFlags,
  otherwise: ConfigScope,
  argument?: string,
): Promise<string> {
  const scope = flags.project === true ? 'project' : flags.user === true ? 'user' : flags.system === true ? 'system' : undefined;
  const names = [argument, flags.config && '--config', scope && `--${scope}`].filter((name) => name !== undefined);
  if (names.length > 1) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${names.join(' and ')} each name a configuration file`,
      hint: 'Leave all but one of them out.',
    });
  }
  const file = argument ?? flags.config;
  return file === undefined ? configFileOf(scope ?? otherwise, surroundings) : resolve(surroundings.cwd, file);
}

/** The text of a file that a user wrote; undefined when there is none. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readRegularFile(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cliError('ICT_CLI_FILE_UNWRITABLE', {
      message: `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
      hint: 'Choose another file, or run as a user who may read it.',
      facts: { file },
      cause,
    });
  }
}

/**
 * Replaces a file that belongs to its user, whole or not at all, with directories as needed. Owner and mode stay; where the name is a
 * link, what it leads to is replaced. A new file belongs to whoever ran `sudo ict`.
 *
 * @throws `ICT_CLI_FILE_UNWRITABLE`
 */
export async function writeUserFile(file: string, text: string, surroundings: Pick<Surroundings, 'env' | 'uid'>): Promise<void> {
  try {
    const target = await realpath(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (target === undefined) {
      ensureDirectory(dirname(file));
      await atomicWriteFile(file, text);
      await giveToInvoker([file], surroundings);
      return;
    }
    const { mode, uid, gid } = await stat(target);
    await atomicWriteFile(target, text, { mode: mode & 0o7777 });
    const made = await stat(target);
    if (made.uid !== uid || made.gid !== gid) await chown(target, uid, gid);
  } catch (cause) {
    throw unwritableFile(file, cause);
  }
}
