import { editConfig, requireConfigKey, templateError } from '@ict/template';
import { chosenConfigFile, readIfPresent, writeUserFile } from '../config-file.js';
import type { ConfigSetFlags } from '../config-commands.js';
import { bareAddress } from '@ict/plugin-api';
import { cliError } from '../errors.js';
import type { Session } from '../session.js';

/** `ict config set`: one setting of one file, checked before anything is written; the user's own file unless told otherwise. */
export async function configSet(session: Session, key: string, values: readonly string[], flags: ConfigSetFlags): Promise<void> {
  const { type } = requireConfigKey(key);
  const unset = flags.unset === true;
  const many = type === 'array' || type === 'object';
  if (unset ? values.length > 0 : many ? values.length === 0 : values.length !== 1) {
    throw cliError('ICT_CLI_USAGE', {
      message: unset ? '--unset takes no value' : `${key} takes ${many ? 'at least one value' : 'one value'}, and got ${values.length}`,
      hint: 'Example: ict config set workers 8. To take a setting out: ict config set workers --unset.',
    });
  }
  const alone = type === 'object' && !unset ? values.find((value) => !/=./.test(value)) : undefined;
  if (alone !== undefined) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${key} takes ARCHIVE=URL, an archive and what stands in for it, and got ${JSON.stringify(bareAddress(alone))}`,
      hint: `Example: ict config set ${key} http://ftp.debian.org/debian=http://mirror.example.com/debian.`,
    });
  }
  const file = await chosenConfigFile(session.surroundings, flags, 'user');
  const before = (await readIfPresent(file)) ?? '';
  const { text, problems } = editConfig(before, file, { key, words: unset ? undefined : values });
  if (text === undefined) {
    throw templateError('ICT_CONFIG_INVALID', {
      message: `${file} is left as it was: it would not be a valid configuration`,
      hint: 'Correct the value, or the marked places of the file.',
      facts: { file, key },
      problems,
    });
  }
  const changed = text !== before;
  if (changed) await writeUserFile(file, text, session.surroundings);
  session.document({ file, key, changed });
  session.result(`${file} ${changed ? 'written' : 'is unchanged'}\n`);
}
