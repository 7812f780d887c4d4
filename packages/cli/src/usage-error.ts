import { bareAddress, withoutCredentials } from '@ict/plugin-api';
import type { Command, CommanderError } from 'commander';
import { cliError } from './errors.js';
import type { FlagError } from './flag-values.js';

/** What is said of a flag's value that cannot be used. */
export function flagError({ message, hint, flag, address }: FlagError): Error {
  const given = address === undefined ? '' : `, not "${bareAddress(address)}"`;
  return cliError('ICT_CLI_FLAG_INVALID', { message: message + given, hint, facts: { flag } });
}

/** Mistakes that the order of a command's arguments explains. */
const OF_ARGUMENTS = ['commander.missingArgument', 'commander.excessArguments'];

/** What is said of words that are no command. @param named the commands that they name, the outermost first. */
export function commanderError(error: CommanderError, named: readonly Command[]): Error {
  const command = named.at(-1) as Command;
  const usage = OF_ARGUMENTS.includes(error.code) ? `Usage: ${command.createHelp().commandUsage(command)}. ` : '';
  return cliError('ICT_CLI_USAGE', {
    message:
      error.code === 'commander.help'
        ? 'a command is missing'
        : withoutCredentials(error.message.replace(/^error: /, '').replace(/\n/g, ' ')),
    hint: `${usage}See \`${named.map((one) => one.name()).join(' ')} --help\`.`,
  });
}
