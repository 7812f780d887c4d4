import { Argument, Command, Option } from 'commander';
import { cacheCommands } from './cache-commands.js';
import { authoringCommands } from './authoring-commands.js';
import { configCommands } from './config-commands.js';
import { parseCount, parseMirrors, parseRepositories, parseText, parseTexts, parseVariables, parseWorkers } from './flag-values.js';
import { templateCommands } from './template-commands.js';
import type { MirrorFlag } from './flag-values.js';
import type { Session, Speech } from './session.js';
import type { LogLevel } from './log-level.js';
import { logLevels } from './log-level.js';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly config?: string;
  readonly logLevel?: LogLevel;
  readonly logFile?: string;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

/** Flags of commands that look into the cache. */
export interface CacheFlags extends GlobalFlags {
  readonly cacheDir?: string;
}

/** Flags that stand for settings of the configuration file. */
export interface SettingsFlags extends CacheFlags {
  readonly workers?: number;
  readonly workDir?: string;
  readonly tempDir?: string;
}

/** Flags of commands that read distribution definitions. */
export interface DefinitionFlags extends GlobalFlags {
  readonly distroFile?: readonly string[];
  readonly keyring?: readonly string[];
  readonly var?: ReadonlyMap<string, string>;
}

/** Flags of commands whose engine fetches or builds. */
export interface EngineFlags extends SettingsFlags, DefinitionFlags {
  readonly mirror?: readonly MirrorFlag[];
  readonly hostMirrors: boolean;
  readonly offline?: boolean;
  readonly verify?: 'signature' | 'full';
}

export interface LockFlags extends EngineFlags {
  readonly lock?: string;
  readonly frozen?: boolean;
}

export interface PlanFlags extends LockFlags {
  readonly target?: string;
  readonly only?: readonly string[];
  readonly recommends?: boolean;
  readonly suite?: readonly string[];
  readonly component?: readonly string[];
  readonly repo?: readonly string[];
  readonly repoKey?: readonly string[];
}

export interface GraphFlags extends LockFlags {
  readonly reduce?: boolean;
}

export interface LockWriteFlags extends EngineFlags {
  readonly output?: string;
  readonly frozen?: boolean;
  readonly update?: boolean;
  readonly dryRun?: boolean;
}

export interface BuildFlags extends LockFlags {
  readonly output?: string;
  readonly cache: boolean;
  /** Percent of the layers; true for all. */
  readonly auditCache?: number | true;
  readonly packageCache?: boolean;
  readonly imageCache?: boolean;
  readonly layerCache?: boolean;
}

export interface BootFlags extends GlobalFlags {
  readonly until: string;
  readonly untilOff?: boolean;
  readonly timeout?: number;
  readonly memory?: number;
  readonly cpus?: number;
  readonly accel?: 'auto' | 'kvm' | 'tcg';
}

export interface DoctorFlags extends CacheFlags {
  readonly workDir?: string;
  readonly install?: boolean;
  readonly for?: 'build' | 'boot';
}

export const schemaNames = ['template', 'config', 'distro', 'event', 'manifest', 'lock', 'plan', 'why', 'why-not', 'graph'] as const;
export type SchemaName = (typeof schemaNames)[number];
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Runs one command inside a session; the answer is the exit status, 0 when there is none. */
export type Runner = (flags: GlobalFlags, speech: Speech, work: (session: Session) => Promise<number | void>) => Promise<void>;

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

  engineFlags(
    lockFlags(
      program
        .command('plan')
        .description('show what a build would fetch, install and run')
        .addArgument(new Argument('[template]', 'image template, a YAML file').argParser(parseText('TEMPLATE')))
        .addOption(new Option('--target <os-dist-arch>', 'without a template: resolve for this target').argParser(parseText('--target')))
        .addOption(
          new Option('--only <names...>', 'with --target: just these packages, into an empty root').argParser(parseTexts('--only')),
        )
        .option('--recommends', 'with --only: follow Recommends')
        .option('--no-recommends', 'with --only: do not follow Recommends (default)')
        .addOption(new Option('--suite <suite>', 'with --only: this suite; may be repeated').argParser(parseTexts('--suite')))
        .addOption(new Option('--component <name>', 'with --only: this component; may be repeated').argParser(parseTexts('--component')))
        .addOption(
          new Option('--repo <url>', 'with --only: an archive in place of the target\u2019s own, or with +URL beside them').argParser(
            parseRepositories,
          ),
        )
        .addOption(new Option('--repo-key <file>', 'with --repo: keyring of these archives').argParser(parseTexts('--repo-key'))),
    ),
  ).action((file: string | undefined, _flags: PlanFlags, command: Command) =>
    run(all(command), 'document', async (session) => (await import('./commands/plan.js')).plan(session, file, all(command))),
  );

  engineFlags(
    lockFlags(program.command('why').description('say why a package is in the image').addArgument(template()).addArgument(packageName())),
  ).action((file: string, name: string, _flags: LockFlags, command: Command) =>
    run(all(command), 'document', async (session) => (await import('./commands/why.js')).why(session, file, name, all(command))),
  );

  engineFlags(
    lockFlags(
      program
        .command('why-not')
        .description('say what keeps a package out of the image')
        .addArgument(template())
        .addArgument(new Argument('<package>', 'name or name=version').argParser(parseText('PACKAGE'))),
    ),
  ).action((file: string, wanted: string, _flags: LockFlags, command: Command) =>
    run(all(command), 'document', async (session) => (await import('./commands/why-not.js')).whyNot(session, file, wanted, all(command))),
  );

  engineFlags(
    lockFlags(
      program
        .command('graph')
        .description('print how the packages of an image need each other, as a DOT graph')
        .addArgument(template())
        .option('--reduce', 'leave out what other ways imply'),
    ),
  ).action((file: string, _flags: GraphFlags, command: Command) =>
    run(all(command), 'document', async (session) => (await import('./commands/graph.js')).graph(session, file, all(command))),
  );

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
      run(all(command), 'document', async (session) => (await import('./commands/schema.js')).schema(session, name)),
    );

  cacheCommands(program, run);

  configCommands(program, run, settingsFlags);
  authoringCommands(program, run, distroFile);

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

export function template(): Argument {
  return new Argument('<template>', 'image template, a YAML file').argParser(parseText('TEMPLATE'));
}

export function all<Flags extends GlobalFlags>(command: Command): Flags {
  return command.optsWithGlobals<Flags>();
}

export function cacheDir(): Option {
  return new Option('-d, --cache-dir <dir>', 'directory of the cache').argParser(parseText('--cache-dir'));
}

export function workDir(): Option {
  return new Option('--work-dir <dir>', 'directory of trees and images').argParser(parseText('--work-dir'));
}

function packageName(): Argument {
  return new Argument('<package>', 'name, or name:arch').argParser(parseText('PACKAGE'));
}

export function variable(): Option {
  return new Option('--var <name=value>', 'value for a variable that the template declares; may be repeated').argParser(parseVariables);
}

export function distroFile(): Option {
  return new Option('--distro-file <file>', 'another distribution definition; may be repeated').argParser(parseTexts('--distro-file'));
}

export function keyring(): Option {
  return new Option('--keyring <file>', 'keys for repositories whose definition has none; may be repeated').argParser(
    parseTexts('--keyring'),
  );
}

function settingsFlags(command: Command): Command {
  return command
    .addOption(new Option('-w, --workers <n>', 'downloads and checks that run side by side').argParser(parseWorkers))
    .addOption(cacheDir())
    .addOption(workDir())
    .addOption(new Option('--temp-dir <dir>', 'directory of temporary files').argParser(parseText('--temp-dir')));
}

export function engineFlags(command: Command): Command {
  return settingsFlags(command)
    .addOption(new Option('--mirror <archive=url>', 'address that stands in for an archive; may be repeated').argParser(parseMirrors))
    .option('--no-host-mirrors', 'do not use the mirrors of the host\u2019s own package manager')
    .addOption(distroFile())
    .addOption(keyring())
    .addOption(variable())
    .option('--offline', 'use nothing but what the cache has')
    .addOption(
      new Option('--verify <how>', 'check cached files by stat signature, or by hashing every byte').choices(['signature', 'full']),
    );
}

export function lockFlags(command: Command): Command {
  return command
    .addOption(new Option('--lock <file>', 'lock file to use (default: NAME.lock.yml beside the template)').argParser(parseText('--lock')))
    .option('--frozen', 'fail when the lock file is missing or does not fit the template');
}
