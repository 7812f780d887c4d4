import { Argument, type Command, Option } from 'commander';
import { parseText, parseTexts } from './flag-values.js';
import { distroFile, keyring, template, variable } from './shared-flags.js';
import { all, type DefinitionFlags, type EngineFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';

const problemFormats = ['text', 'github'] as const;
export type ProblemFormat = (typeof problemFormats)[number];

export interface ValidateFlags extends EngineFlags {
  readonly strict?: boolean;
  readonly packages?: boolean;
  readonly format: ProblemFormat;
}

export interface ResolveFlags extends DefinitionFlags {
  readonly full?: boolean;
  readonly explain?: boolean;
  readonly diff?: boolean;
}

/** Any number of templates to look at. */
export function templates(): Argument {
  return new Argument('<templates...>', 'image templates, YAML files; patterns are expanded, `-` is standard input').argParser(
    parseTexts('TEMPLATE'),
  );
}

export function problemFormat(): Option {
  return new Option('--format <format>', 'how problems are printed').choices(problemFormats).default('text');
}

/** `ict validate` and `ict resolve` */
export function templateCommands(program: LateCommand, run: Runner): void {
  program
    .command('validate')
    .description('check templates without building them')
    .addArgument(templates())
    .flags((command) =>
      command
        .option('--strict', 'refuse what cannot be built yet, and local files that are missing')
        .option('--packages', 'also resolve the packages, with the metadata in the cache')
        .addOption(problemFormat())
        .addOption(new Option('-d, --cache-dir <dir>', 'directory of the cache, for --packages').argParser(parseText('--cache-dir')))
        .addOption(variable())
        .addOption(distroFile())
        .addOption(keyring()),
    )
    .action((files: readonly string[], _flags: ValidateFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/validate.js')).validate(session, files, all(command))),
    );

  program
    .command('resolve')
    .description('print a template with all that it inherits')
    .addArgument(template())
    .flags((command) =>
      command
        .option('--full', 'also what the distribution brings')
        .addOption(
          new Option(
            '--explain',
            'print every value, those of the distribution too, with its place and the rule that put it there',
          ).conflicts('diff'),
        )
        .option('--diff', 'print what the template changes in the defaults of the distribution')
        .addOption(variable())
        .addOption(distroFile())
        .addOption(keyring()),
    )
    .action((file: string, _flags: ResolveFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/resolve.js')).resolveTemplate(session, file, all(command)),
      ),
    );
}
