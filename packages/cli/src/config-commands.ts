import { Argument, Option, type Command } from 'commander';
import { settingsFlags } from './shared-flags.js';
import { parseText } from './flag-values.js';
import { all, type GlobalFlags, type Runner, type SettingsFlags } from './flag-types.js';
import type { LateCommand } from './late-command.js';

/** Flags of commands that write a configuration file: which of the usual ones. */
export interface ConfigScopeFlags extends GlobalFlags {
  readonly project?: boolean;
  readonly user?: boolean;
  readonly system?: boolean;
}

export interface ConfigShowFlags extends SettingsFlags {
  readonly origin?: boolean;
}

export interface ConfigInitFlags extends ConfigScopeFlags {
  readonly force?: boolean;
}

export interface ConfigSetFlags extends ConfigScopeFlags {
  readonly unset?: boolean;
}

/** Declares `ict config ...`. */
export function configCommands(program: LateCommand, run: Runner): void {
  const config = program.command('config').description('show and change the configuration').helpCommand(false);
  if (!config.isNamed) return;

  config
    .command('show')
    .description('print every setting')
    .flags((command) => settingsFlags(command.addOption(new Option('--origin', 'also print where each value comes from'))))
    .action((_flags: ConfigShowFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/config-show.js')).configShow(session, all(command))),
    );

  config
    .command('get')
    .description('print one setting')
    .addArgument(setting())
    .action((key: string, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/config-show.js')).configGet(session, key, all(command))),
    );

  config
    .command('set')
    .description('write one setting into a configuration file, whose comments and order stay')
    .addArgument(setting())
    .addArgument(new Argument('[value...]', 'its value; several for a list, ARCHIVE=URL for mirrors').argParser(parseValues))
    .flags((command) => scopeFlags(command.addOption(new Option('--unset', 'take the setting out of the file'))))
    .action((key: string, values: readonly string[], _flags: ConfigSetFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/config-set.js')).configSet(session, key, values, all(command)),
      ),
    );

  config
    .command('init')
    .description('write a configuration file that explains every setting and sets none')
    .addArgument(new Argument('[file]', 'file to write (default: image-composer-tool.yml here)').argParser(parseText('FILE')))
    .flags((command) => scopeFlags(command.addOption(new Option('--force', 'replace a file that is there'))))
    .action((file: string | undefined, _flags: ConfigInitFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/config-init.js')).configInit(session, file, all(command))),
    );

  config
    .command('path')
    .description('print the configuration files that are read, strongest first')
    .action((_flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/config-path.js')).configPath(session, all(command))),
    );
}

function setting(): Argument {
  return new Argument('<key>', 'setting, such as workers or logging.level').argParser(parseText('KEY'));
}

const parseValue = parseText('VALUE');

/** Commander hands the values over one by one. */
function parseValues(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), parseValue(value)];
}

function scopeFlags(command: Command): Command {
  return command
    .addOption(new Option('--project', 'the file of this directory').conflicts(['user', 'system']))
    .addOption(new Option('--user', 'your own file').conflicts(['project', 'system']))
    .addOption(new Option('--system', 'the file of this machine').conflicts(['project', 'user']));
}
