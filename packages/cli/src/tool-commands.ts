import type { MachineArchitecture } from '@ict/boot';
import { Argument, type Command, Option } from 'commander';
import { all, type CacheFlags, type GlobalFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';
import { cacheDir, machineArchitecture, workDir } from './shared-flags.js';

export interface DoctorFlags extends CacheFlags {
  readonly workDir?: string;
  readonly install?: boolean;
  readonly for?: 'build' | 'boot';
  readonly arch?: MachineArchitecture;
}

export const schemaNames = [
  'template',
  'config',
  'distro',
  'event',
  'manifest',
  'lock',
  'plan',
  'why',
  'why-not',
  'search',
  'show',
  'graph',
  'inspect',
  'compare',
  'explanation',
] as const;
export type SchemaName = (typeof schemaNames)[number];
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What `ict complete` can list. */
export const completionKinds = ['distributions', 'templates', 'images', 'kept-images', 'packages', 'locked-packages'] as const;
export type CompletionKind = (typeof completionKinds)[number];

/**
 * Commands about the tool and the machine: `ict doctor`, `schema`, `version`, `completion` and what its scripts ask.
 *
 * @param declareAll makes a program whose commands all have their flags.
 */
export function toolCommands(program: LateCommand, run: Runner, declareAll: () => Command): void {
  program
    .command('doctor')
    .description('check what this machine lacks, and how to mend it')
    .flags((command) =>
      command
        .addOption(new Option('--for <what>', 'check only what this needs (default: both, booting is optional)').choices(['build', 'boot']))
        .addOption(machineArchitecture('images of this architecture are to be built and booted (default: that of this machine)'))
        .option('--install', 'as root: install what is missing with apt-get')
        .addOption(cacheDir())
        .addOption(workDir()),
    )
    .action((_flags: DoctorFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/doctor.js')).doctor(session, all(command))),
    );

  program
    .command('schema')
    .description('print the JSON schema of a document')
    .addArgument(new Argument('<name>', 'document').choices(schemaNames))
    .action((name: SchemaName, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/schema.js')).schema(session, name, all(command))),
    );

  program
    .command('version')
    .description('print versions of ict and of what it runs on')
    .action((_flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/version.js')).version(session)),
    );

  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'shell').choices(shells))
    .action((shell: Shell, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/completion.js')).completion(session, shell, declareAll())),
    );

  program
    .command('complete', { hidden: true })
    .description('list words for completion scripts, one a line')
    .addArgument(new Argument('<kind>', 'what to list').choices(completionKinds))
    .addArgument(new Argument('[prefix]', 'only words that begin with this'))
    .addArgument(new Argument('[about]', 'of packages: the template or target'))
    .action((kind: CompletionKind, prefix: string | undefined, about: string | undefined, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/complete.js')).complete(session, kind, { prefix, about }, all(command)),
      ),
    );
}
