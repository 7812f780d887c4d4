import { Argument, Command, Option } from 'commander';
import { authoringCommands } from './authoring-commands.js';
import { cacheCommands } from './cache-commands.js';
import { cacheDir, engineFlags, lockFlags, template, workDir } from './command-options.js';
import { configCommands } from './config-commands.js';
import { parseCount, parseText, parseTexts } from './flag-values.js';
import {
  all,
  schemaNames,
  shells,
  type BootFlags,
  type BuildFlags,
  type DoctorFlags,
  type GlobalFlags,
  type LockWriteFlags,
  type Runner,
  type SchemaName,
  type Shell,
} from './flags.js';
import { logLevels } from './log-level.js';
import { questionCommands } from './question-commands.js';
import { templateCommands } from './template-commands.js';

/** The whole command line. The code of a command is loaded when it runs, so that `ict --help` loads none. */
export function createProgram(run: Runner): Command {
  const program = new Command('ict')
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
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false);

  engineFlags(
    lockFlags(
      program
        .command('build')
        .description('compose the image of a template')
        .addArgument(template())
        .addOption(new Option('-o, --output <dir>', 'copy the artifacts here as well').argParser(parseText('--output')))
        .addOption(
          new Option('--audit-cache [percent]', 'make this share of the layers anew, and compare (default: all)').argParser(
            parseCount('--audit-cache', 1, 100),
          ),
        )
        .addOption(new Option('--no-cache', 'use a temporary cache and work directory; needs --output').conflicts(['cacheDir', 'workDir']))
        .addOption(new Option('--package-cache', 'use packages of earlier builds, whatever configuration and template say'))
        .addOption(new Option('--no-package-cache', 'download every package, and keep none'))
        .addOption(new Option('--image-cache', 'use a finished image of an earlier build, whatever configuration and template say'))
        .addOption(new Option('--no-image-cache', 'go through all steps, and keep no finished image'))
        .addOption(new Option('--layer-cache', 'use results of steps of earlier builds'))
        .addOption(new Option('--no-layer-cache', 'make every tree, file system and disk anew')),
    ),
  ).action((file: string, flags: BuildFlags, command: Command) =>
    run(all(command), 'events', async (session) =>
      (await import('./commands/build.js')).build(session, file, { ...all(command), ...flags }),
    ),
  );

  templateCommands(program, run);

  questionCommands(program, run);

  engineFlags(
    program
      .command('lock')
      .description('resolve the packages of a template and write its lock file')
      .addArgument(template())
      .addArgument(new Argument('[names...]', 'with --update: packages that may move').argParser(parseTexts('NAME')))
      .addOption(
        new Option('-o, --output <file>', 'lock file to write (default: NAME.lock.yml beside the template)').argParser(
          parseText('--output'),
        ),
      )
      .option('--update', 'start from the lock that is there: move only the named packages, or everything when none is named')
      .option('--dry-run', 'say what would change, and write nothing')
      .addOption(
        new Option('--frozen', 'write nothing; fail when the lock file is missing or does not fit').conflicts(['update', 'dryRun']),
      ),
  ).action((file: string, names: readonly string[] | undefined, _flags: LockWriteFlags, command: Command) =>
    run(all(command), 'events', async (session) => (await import('./commands/lock.js')).lock(session, file, names ?? [], all(command))),
  );

  program
    .command('boot')
    .description('start an image in qemu and wait for a text on its console')
    .addArgument(new Argument('<image>', 'disk image, raw or qcow2; it is not changed').argParser(parseText('IMAGE')))
    .addOption(new Option('--until <text>', 'text that shows that the image is up').default('login:').argParser(parseText('--until')))
    .option('--until-off', 'wait until the machine turns itself off instead')
    .addOption(new Option('--timeout <seconds>', 'give up after this time (default: 300)').argParser(parseCount('--timeout', 1, 86_400)))
    .addOption(new Option('--memory <mib>', 'memory of the machine (default: 1024)').argParser(parseCount('--memory', 64, 1_048_576)))
    .addOption(new Option('--cpus <n>', 'processors of the machine (default: 2)').argParser(parseCount('--cpus', 1, 64)))
    .addOption(new Option('--accel <how>', 'how the processor is run').choices(['auto', 'kvm', 'tcg']))
    .action((file: string, _flags: BootFlags, command: Command) =>
      run(all(command), 'events', async (session) => (await import('./commands/boot.js')).boot(session, file, all(command))),
    );

  program
    .command('doctor')
    .description('check what this machine lacks, and how to mend it')
    .addOption(new Option('--for <what>', 'check only what this needs (default: both, booting is optional)').choices(['build', 'boot']))
    .option('--install', 'as root: install what is missing with apt-get')
    .addOption(cacheDir())
    .addOption(workDir())
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

  cacheCommands(program, run);

  configCommands(program, run);
  authoringCommands(program, run);

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
      run(all(command), 'document', async (session) => (await import('./commands/completion.js')).completion(session, shell, program)),
    );

  return program;
}
