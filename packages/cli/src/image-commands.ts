import type { FirmwareKind, MachineArchitecture } from '@ict/boot';
import { Argument, type Command, Option } from 'commander';
import { parseCount, parseText, parseTexts } from './flag-values.js';
import { all, type EngineFlags, type GlobalFlags, type LockFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';
import { engineFlags, lockFlags, machineArchitecture, template, tempDir } from './shared-flags.js';

export interface BuildFlags extends LockFlags {
  readonly output?: string;
  readonly cache: boolean;
  /** Percent of the layers; true for all. */
  readonly auditCache?: number | true;
  readonly packageCache?: boolean;
  readonly imageCache?: boolean;
  readonly layerCache?: boolean;
  readonly remoteCache?: boolean;
}

export interface LockWriteFlags extends EngineFlags {
  readonly output?: string;
  readonly frozen?: boolean;
  readonly update?: boolean;
  readonly dryRun?: boolean;
}

export interface BootFlags extends GlobalFlags {
  readonly until: string;
  readonly untilOff?: boolean;
  readonly timeout?: number;
  readonly memory?: number;
  readonly cpus?: number;
  readonly asDisk?: boolean;
  readonly firmware?: FirmwareKind;
  readonly secureBoot?: boolean;
  readonly firmwareVars?: string;
  readonly accel?: 'auto' | 'kvm' | 'tcg';
  readonly arch?: MachineArchitecture;
}

export interface InspectFlags extends GlobalFlags {
  readonly tempDir?: string;
}

export interface CompareFlags extends InspectFlags {
  readonly times?: boolean;
  readonly exitCode?: boolean;
}

/** `ict build`, `lock` and `boot`, and what looks into images: `inspect` and `compare`. */
export function imageCommands(program: LateCommand, run: Runner): void {
  program
    .command('build')
    .description('compose the image of a template')
    .addArgument(template())
    .flags((command) =>
      engineFlags(
        lockFlags(
          command
            .addOption(new Option('-o, --output <dir>', 'copy the artifacts here as well').argParser(parseText('--output')))
            .addOption(
              new Option('--audit-cache [percent]', 'make this share of the layers anew, and compare (default: all)').argParser(
                parseCount('--audit-cache', 1, 100),
              ),
            )
            .addOption(
              new Option('--no-cache', 'use a temporary cache and work directory; needs --output').conflicts(['cacheDir', 'workDir']),
            )
            .addOption(new Option('--package-cache', 'use packages of earlier builds, whatever configuration and template say'))
            .addOption(new Option('--no-package-cache', 'download every package, and keep none'))
            .addOption(new Option('--image-cache', 'use a finished image of an earlier build, whatever configuration and template say'))
            .addOption(new Option('--no-image-cache', 'go through all steps, and keep no finished image'))
            .addOption(new Option('--layer-cache', 'use results of steps of earlier builds'))
            .addOption(new Option('--no-layer-cache', 'make every tree, file system and disk anew'))
            .addOption(new Option('--remote-cache', 'ask the remote caches of the configuration, and upload what is new'))
            .addOption(new Option('--no-remote-cache', 'ask no remote cache, and upload nothing')),
        ),
      ),
    )
    .action((file: string, flags: BuildFlags, command: Command) =>
      run(all(command), 'events', async (session) =>
        (await import('./commands/build.js')).build(session, file, { ...all(command), ...flags }),
      ),
    );

  program
    .command('lock')
    .description('resolve the packages of a template and write its lock file')
    .addArgument(template())
    .addArgument(new Argument('[names...]', 'with --update: packages that may move').argParser(parseTexts('NAME')))
    .flags((command) =>
      engineFlags(
        command
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
      ),
    )
    .action((file: string, names: readonly string[] | undefined, _flags: LockWriteFlags, command: Command) =>
      run(all(command), 'events', async (session) => (await import('./commands/lock.js')).lock(session, file, names ?? [], all(command))),
    );

  program
    .command('boot')
    .description('start an image in qemu and wait for a text on its console')
    .addArgument(
      new Argument(
        '<image>',
        'disk image, raw or virtual, or ISO image, which is not changed; or an initrd (.cpio.gz), its kernel beside it',
      ).argParser(parseText('IMAGE')),
    )
    .flags((command) =>
      command
        .addOption(new Option('--until <text>', 'text that shows that the image is up').default('login:').argParser(parseText('--until')))
        .option('--until-off', 'wait until the machine turns itself off instead')
        .addOption(
          new Option('--timeout <seconds>', 'give up after this time (default: 300)').argParser(parseCount('--timeout', 1, 86_400)),
        )
        .addOption(
          new Option('--memory <mib>', 'memory of the machine (default: 1024, for an initrd or an ISO image 2048)').argParser(
            parseCount('--memory', 64, 1_048_576),
          ),
        )
        .addOption(new Option('--cpus <n>', 'processors of the machine (default: 2)').argParser(parseCount('--cpus', 1, 64)))
        .option('--as-disk', 'start an ISO image from a disk, as from a USB stick, and not from a drive for discs')
        .addOption(new Option('--firmware <kind>', 'firmware of the machine (default: what the image is for)').choices(['uefi', 'bios']))
        .option('--secure-boot', 'start only what is signed with a key that the firmware knows')
        .addOption(
          new Option(
            '--firmware-vars <file>',
            'variables of the firmware, which are not changed, with keys of your own (default: its own)',
          ).argParser(parseText('--firmware-vars')),
        )
        .addOption(new Option('--accel <how>', 'how the processor is run').choices(['auto', 'kvm', 'tcg']))
        .addOption(machineArchitecture('architecture of the machine (default: what the manifest beside the image says)')),
    )
    .action((file: string, _flags: BootFlags, command: Command) =>
      run(all(command), 'events', async (session) => (await import('./commands/boot.js')).boot(session, file, all(command))),
    );

  program
    .command('inspect')
    .description('show what an image consists of: partitions, filesystems, boot entries, system')
    .addArgument(image('<image>'))
    .flags((command) => command.addOption(tempDir()))
    .action((file: string, _flags: InspectFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/inspect.js')).inspect(session, file, all(command))),
    );

  program
    .command('compare')
    .description('show what two images do not have in common')
    .addArgument(image('<image>'))
    .addArgument(image('<other>'))
    .flags((command) =>
      command
        .option('--times', 'compare also when files were last changed')
        .option('--exit-code', 'end with 1 when they differ, as diff does')
        .addOption(tempDir()),
    )
    .action((a: string, b: string, _flags: CompareFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/compare.js')).compare(session, a, b, all(command))),
    );
}

/** An image that is only read. */
function image(name: string): Argument {
  return new Argument(
    name,
    'disk or filesystem image: raw, compressed (.gz, .zst), or of a virtual machine; or an initrd (.cpio.gz)',
  ).argParser(parseText('IMAGE'));
}
