import { Argument, Option, type Command } from 'commander';
import { distroFile } from './shared-flags.js';
import { parseText, parseTexts } from './flag-values.js';
import { all, type DefinitionFlags, type GlobalFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';

export interface InitFlags extends DefinitionFlags {
  readonly distro?: string;
  readonly arch?: string;
  readonly purpose?: string;
  readonly package?: readonly string[];
  readonly diskSize?: string;
  readonly name?: string;
  readonly force?: boolean;
}

/** Declares `ict init` and `ict templates`. */
export function authoringCommands(program: LateCommand, run: Runner): void {
  program
    .command('init')
    .description('make a template, by asking what no flag says')
    .addArgument(new Argument('[file]', 'template to write (default: NAME.yml here)').argParser(parseText('FILE')))
    .flags((command) =>
      command
        .addOption(new Option('--distro <distribution>', 'distribution, such as debian13').argParser(parseText('--distro')))
        .addOption(
          new Option('--arch <architecture>', 'architecture (default: the first of the distribution)').argParser(parseText('--arch')),
        )
        .addOption(new Option('--purpose <text>', 'what the image is for, in a few words').argParser(parseText('--purpose')))
        .addOption(new Option('--package <name>', 'package to install; may be repeated').argParser(parseTexts('--package')))
        .addOption(new Option('--disk-size <size>', 'size of the disk, such as 4GiB').argParser(parseText('--disk-size')))
        .addOption(new Option('--name <name>', 'name of the image').argParser(parseText('--name')))
        .addOption(new Option('--force', 'replace a file that is there'))
        .addOption(distroFile()),
    )
    .action((file: string | undefined, _flags: InitFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/init.js')).init(session, file, all(command))),
    );

  program
    .command('templates')
    .description('list the templates that come with ict, and their files')
    .addArgument(new Argument('[word...]', 'only those that have these words in name, target or metadata').argParser(parseTexts('WORD')))
    .action((words: readonly string[] | undefined, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/templates.js')).templates(session, words ?? [])),
    );
}
