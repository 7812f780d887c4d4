import { bareAddress, withoutCredentials } from '@ict/plugin-api';
import type { CommanderError } from 'commander';
import { cliError } from './errors.js';
import type { FlagError } from './flag-values.js';

/** What is said of a flag's value that cannot be used. */
export function flagError({ message, hint, flag, address }: FlagError): Error {
  const given = address === undefined ? '' : `, not "${bareAddress(address)}"`;
  return cliError('ICT_CLI_FLAG_INVALID', { message: message + given, hint, facts: { flag } });
}

/** What is said of words that are no command. @param command the one that they belong to, as one types it. */
export function commanderError(error: CommanderError, command: string): Error {
  return cliError('ICT_CLI_USAGE', {
    message:
      error.code === 'commander.help'
        ? 'a command is missing'
        : withoutCredentials(error.message.replace(/^error: /, '').replace(/\n/g, ' ')),
    hint: `See \`${command} --help\`.`,
  });
}
