import { Argument, type Command, Option } from 'commander';
import { parseCount, parseText } from './flag-values.js';
import { cacheDir, distroFile, engineFlags, keyring, lockFlags, readOnlyCacheDir, template, variable, workDir } from './shared-flags.js';
import { all, type CacheFlags, type EngineFlags, type GlobalFlags, type LockFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';
import { problemFormat, templates, type ProblemFormat } from './template-commands.js';
import type { KeptKind } from './views/shown-entries.js';

/** Flags of commands that look at, or remove, what builds keep. */
export interface KeptFlags extends CacheFlags {
  readonly workDir?: string;
}

export interface CacheListFlags extends KeptFlags {
  readonly kind?: KeptKind;
}

export interface CacheDuFlags extends KeptFlags {
  readonly by: 'kind' | 'provider';
}

export interface CacheCleanFlags extends KeptFlags {
  readonly packages?: boolean;
  readonly workspace?: boolean;
  readonly images?: boolean;
  readonly layers?: boolean;
  readonly mounts?: boolean;
  readonly all?: boolean;
  readonly providerId?: string;
  readonly package?: string;
  readonly key?: string;
  readonly dryRun?: boolean;
}

export interface CacheGcFlags extends KeptFlags {
  readonly maxGb?: number;
  readonly unusedDays?: number;
  readonly maxImages?: number;
  readonly imagebuildDays?: number;
  readonly minFreeGb?: number;
  readonly dryRun?: boolean;
}

export interface CacheCheckFlags extends KeptFlags {
  readonly warnGb: number;
  readonly critGb: number;
}

export interface CacheImportFlags extends KeptFlags {
  readonly distroFile?: readonly string[];
  readonly providerId?: string;
}

export interface LintFlags extends EngineFlags {
  readonly format: ProblemFormat;
}

export interface CacheVerifyFlags extends KeptFlags {
  readonly repair?: boolean;
}

/** In the order in which they are told. The compiler names a kind that is missing here. */
const listedKinds: Readonly<Record<KeptKind, true>> = {
  package: true,
  twin: true,
  image: true,
  layer: true,
  blob: true,
  step: true,
  memo: true,
  metadata: true,
  mount: true,
  chrootenv: true,
  chrootbuild: true,
  imagebuild: true,
};

const MOST = 999_999;

/** `ict cache ...` */
export function cacheCommands(program: LateCommand, run: Runner): void {
  const cache = program.command('cache').description('look at the cache, and keep it small').helpCommand(false);
  if (!cache.isNamed) return;

  cache
    .command('list')
    .description('list what is kept, the last used first')
    .flags((command) =>
      command
        .addOption(new Option('--kind <kind>', 'only entries of this kind').choices(Object.keys(listedKinds)))
        .addOption(cacheDir())
        .addOption(readOnlyCacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheListFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-list.js')).cacheList(session, all(command))),
    );

  cache
    .command('info')
    .description('show everything that is known of one entry')
    .addArgument(
      new Argument('<id>', 'its id, a package\u2019s file name, or the beginning of either, if only one has it').argParser(parseText('ID')),
    )
    .flags((command) => command.addOption(cacheDir()).addOption(readOnlyCacheDir()).addOption(workDir()))
    .action((id: string, _flags: CacheFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-info.js')).cacheInfo(session, id, all(command))),
    );

  cache
    .command('du')
    .description('print how much room each part of cache and work directory takes')
    .flags((command) =>
      command
        .addOption(new Option('--by <what>', 'what to add up').choices(['kind', 'provider']).default('kind'))
        .addOption(cacheDir())
        .addOption(readOnlyCacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheDuFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-du.js')).cacheDu(session, all(command))),
    );

  cache
    .command('clean')
    .description('remove parts of the cache; never what a running build uses')
    .flags((command) =>
      command
        .option('--packages', 'packages')
        .option('--workspace', 'base trees, their snapshots, and delivered images')
        .option('--images', 'finished images, and the file systems and disks they were made from')
        .option('--layers', 'layers of trees, with the results that name them')
        .option('--mounts', 'directories that layers of templates keep between builds (cacheMounts)')
        .option('--all', 'all of these, and everything else that is kept')
        .addOption(
          new Option('--provider-id <id>', 'only packages and workspace of this one: os-dist-arch').argParser(parseText('--provider-id')),
        )
        .addOption(new Option('--package <name>', 'only packages of this name').argParser(parseText('--package')))
        .addOption(new Option('--key <id>', 'only the entry whose id begins so').argParser(parseText('--key')))
        .option('--dry-run', 'say what would go, and remove nothing')
        .addOption(cacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheCleanFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-clean.js')).cacheClean(session, all(command))),
    );

  cache
    .command('gc')
    .description('remove what is beyond the limits, and layers, file systems and disks that no result refers to')
    .flags((command) =>
      command
        .addOption(new Option('--max-gb <n>', 'most that the whole cache may take').argParser(parseCount('--max-gb', 0, MOST)))
        .addOption(
          new Option('--unused-days <n>', 'remove what was not used for so long (default: 30)').argParser(
            parseCount('--unused-days', 0, MOST),
          ),
        )
        .addOption(
          new Option('--max-images <n>', 'most images (default: the configuration\u2019s)').argParser(parseCount('--max-images', 0, MOST)),
        )
        .addOption(
          new Option('--imagebuild-days <n>', 'remove delivered images of the work directory after so long').argParser(
            parseCount('--imagebuild-days', 0, MOST),
          ),
        )
        .addOption(
          new Option('--min-free-gb <n>', 'remove until the disk has so much room').argParser(parseCount('--min-free-gb', 0, MOST)),
        )
        .option('--dry-run', 'say what would go, and remove nothing')
        .addOption(cacheDir())
        .addOption(readOnlyCacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheGcFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-gc.js')).cacheGc(session, all(command))),
    );

  cache
    .command('warm')
    .description('download the packages of templates, and build nothing; one that fails does not stop the others')
    .addArgument(new Argument('<template...>', 'image templates'))
    .flags((command) => engineFlags(lockFlags(command)))
    .action((files: readonly string[], _flags: LockFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-warm.js')).cacheWarm(session, files, all(command))),
    );

  cache
    .command('explain')
    .description('say which steps of a build would hit, and what changed for the others')
    .addArgument(template())
    .flags((command) => engineFlags(lockFlags(command)))
    .action((file: string, _flags: LockFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/cache-explain.js')).cacheExplain(session, file, all(command)),
      ),
    );

  cache
    .command('lint')
    .description('find what makes layers of templates be made anew more often than need be')
    .addArgument(templates())
    .flags((command) => command.addOption(problemFormat()).addOption(variable()).addOption(distroFile()).addOption(keyring()))
    .action((files: readonly string[], _flags: LintFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-lint.js')).cacheLint(session, files, all(command))),
    );

  cache
    .command('export')
    .description('write a kept image to a file; its suffix says in which form')
    .addArgument(new Argument('<id>', 'id of an image, or its beginning').argParser(parseText('ID')))
    .addArgument(new Argument('<file>', 'file to write, such as image.raw.gz').argParser(parseText('FILE')))
    .flags((command) => command.addOption(cacheDir()).addOption(readOnlyCacheDir()).addOption(workDir()))
    .action((id: string, file: string, _flags: CacheFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/cache-export.js')).cacheExport(session, id, file, all(command)),
      ),
    );

  cache
    .command('import')
    .description('keep an image that was made elsewhere; with --provider-id, a package')
    .addArgument(new Argument('<file>', 'image, or package').argParser(parseText('FILE')))
    .flags((command) =>
      command
        .addOption(
          new Option('--provider-id <id>', 'the file is a package of this one (os-dist-arch), used when a signed index lists it').argParser(
            parseText('--provider-id'),
          ),
        )
        .addOption(distroFile())
        .addOption(cacheDir())
        .addOption(workDir()),
    )
    .action((file: string, _flags: CacheImportFlags, command: Command) =>
      run(all(command), 'document', async (session) =>
        (await import('./commands/cache-import.js')).cacheImport(session, file, all(command)),
      ),
    );

  cache
    .command('keygen')
    .description('make a key for a remote cache: a private one in FILE, and its public half in FILE.pub')
    .addArgument(new Argument('<file>', 'new file for the private key').argParser(parseText('FILE')))
    .action((file: string, _flags: GlobalFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-keygen.js')).cacheKeygen(session, file)),
    );

  cache
    .command('verify')
    .description('hash everything that is kept; exit status 5 when something is damaged or cannot be read')
    .flags((command) =>
      command
        .option('--repair', 'take away what is damaged, so that it is made or fetched again')
        .addOption(cacheDir())
        .addOption(readOnlyCacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheVerifyFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/cache-verify.js')).cacheVerify(session, all(command))),
    );

  cache
    .command('check')
    .description('compare cache and work directory with two sizes; exit status 0, 1 or 2, and 3 when a mistake keeps it from telling')
    .flags((command) =>
      command
        .addOption(new Option('--warn-gb <n>', 'size above which the status is 1').argParser(parseCount('--warn-gb', 0, MOST)).default(40))
        .addOption(new Option('--crit-gb <n>', 'size above which the status is 2').argParser(parseCount('--crit-gb', 0, MOST)).default(80))
        .addOption(cacheDir())
        .addOption(workDir()),
    )
    .action((_flags: CacheCheckFlags, command: Command) =>
      run(all(command), 'verdict', async (session) => (await import('./commands/cache-check.js')).cacheCheck(session, all(command))),
    );
}
