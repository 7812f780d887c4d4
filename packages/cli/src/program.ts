import { type Command, Option, type OutputConfiguration } from 'commander';
import { authoringCommands } from './authoring-commands.js';
import { cacheCommands } from './cache-commands.js';
import { configCommands } from './config-commands.js';
import type { Runner } from './flag-types.js';
import { parseText } from './flag-values.js';
import { imageCommands } from './image-commands.js';
import { LateCommand } from './late-command.js';
import { logLevels } from './views/log-level.js';
import { questionCommands } from './question-commands.js';
import { templateCommands } from './template-commands.js';
import { toolCommands } from './tool-commands.js';

/** Thrown where `--version` is met: what else the command line says does not count. */
export class VersionAsked extends Error {}

/**
 * The command line. The code of a command is loaded when it runs, so that `ict --help` loads none.
 *
 * @param output where help is written.
 * @param argv what the user says: a command that it does not name has no flags and no commands below it. Undefined: all have theirs.
 */
export function createProgram(run: Runner, output: OutputConfiguration = {}, argv?: readonly string[]): Command {
  const program = new LateCommand('ict', argv && new Set(argv));
  program
    .exitOverride()
    .configureOutput(output) // both before the first command, which takes them over
    .description('Image Composer Tool: composes bootable OS images from a YAML template')
    .addOption(
      new Option('--config <file>', 'the only configuration file to read (default: those of project, user and machine)').argParser(
        parseText('--config'),
      ),
    )
    .addOption(new Option('--log-level <level>', 'how much is said on stderr').choices([...logLevels]))
    .addOption(new Option('--log-file <file>', 'also write what is said on stderr to this file').argParser(parseText('--log-file')))
    .option('-v, --verbose', 'the same as --log-level debug')
    .option('-q, --quiet', 'print results, warnings and errors only')
    .option('--json', 'events (build, lock, boot) or one document on stdout')
    .option('--no-color', 'print without colours')
    .option('--version', 'the same as the command version')
    .on('option:version', () => {
      throw new VersionAsked();
    })
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => (command as LateCommand).term,
    })
    .helpCommand(false);

  imageCommands(program, run);
  templateCommands(program, run);
  questionCommands(program, run);
  cacheCommands(program, run);
  configCommands(program, run);
  authoringCommands(program, run);
  toolCommands(program, run, () => createProgram(run));
  return program;
}
