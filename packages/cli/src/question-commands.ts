import { Argument, Option, type Command } from 'commander';
import { engineFlags, lockFlags, packageName, template } from './shared-flags.js';
import { parseCount, parseRepositories, parseText, parseTexts } from './flag-values.js';
import { all, type LockFlags, type Runner } from './flag-types.js';
import type { LateCommand } from './late-command.js';

/** More packages than any archive has. */
const MAX_SEARCH_LIMIT = 999_999_999;

export interface PlanFlags extends LockFlags {
  readonly target?: string;
  readonly only?: readonly string[];
  readonly recommends?: boolean;
  readonly suite?: readonly string[];
  readonly component?: readonly string[];
  readonly foreignArch?: readonly string[];
  readonly repo?: readonly string[];
  readonly repoKey?: readonly string[];
}

export interface SearchFlags extends LockFlags {
  readonly limit?: number;
}

export interface ShowFlags extends LockFlags {
  readonly changelog?: boolean;
}

export interface GraphFlags extends LockFlags {
  readonly reduce?: boolean;
  readonly format: 'dot' | 'svg';
  readonly output?: string;
}

/** Commands that answer without building: `plan`, `why`, `why-not`, `search`, `show`, `graph`. */
export function questionCommands(program: LateCommand, run: Runner): void {
  program
    .command('plan')
    .description('show what a build would fetch, install and run')
    .addArgument(new Argument('[template]', 'image template, a YAML file').argParser(parseText('TEMPLATE')))
    .flags((command) =>
      engineFlags(
        lockFlags(
          command
            .addOption(
              new Option('--target <os-dist-arch>', 'without a template: resolve for this target').argParser(parseText('--target')),
            )
            .addOption(
              new Option('--only <names...>', 'with --target: just these packages, into an empty root').argParser(parseTexts('--only')),
            )
            .option('--recommends', 'with --only: follow Recommends')
            .option('--no-recommends', 'with --only: do not follow Recommends (default)')
            .addOption(new Option('--suite <suite>', 'with --only: this suite; may be repeated').argParser(parseTexts('--suite')))
            .addOption(
              new Option('--component <name>', 'with --only: this component; may be repeated').argParser(parseTexts('--component')),
            )
            .addOption(
              new Option(
                '--foreign-arch <name>',
                'with --only: also packages of this architecture, such as i386; may be repeated',
              ).argParser(parseTexts('--foreign-arch')),
            )
            .addOption(
              new Option(
                '--repo <url>',
                'with --only: an archive in place of the target\u2019s own, or with +URL beside them; "URL SUITE COMPONENT..." for others than the target has, "URL repoGpgCheck=false" for rpm metadata that nobody signs; may be repeated',
              ).argParser(parseRepositories),
            )
            .addOption(new Option('--repo-key <file>', 'with --repo: keyring of these archives').argParser(parseTexts('--repo-key'))),
        ),
      ),
    )
    .action((file: string | undefined, _flags: PlanFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/plan.js')).plan(session, file, all(command))),
    );

  program
    .command('why')
    .description('say why a package is in the image')
    .addArgument(template())
    .addArgument(packageName())
    .flags((command) => engineFlags(lockFlags(command)))
    .action((file: string, name: string, _flags: LockFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/why.js')).why(session, file, name, all(command))),
    );

  program
    .command('why-not')
    .description('say what keeps a package out of the image')
    .addArgument(template())
    .addArgument(packageName())
    .flags((command) => engineFlags(lockFlags(command)))
    .action((file: string, wanted: string, _flags: LockFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/why-not.js')).whyNot(session, file, wanted, all(command))),
    );

  program
    .command('search')
    .description('find packages by words in their names and descriptions')
    .addArgument(template())
    .addArgument(new Argument('<word...>', 'what name, summary or description must have, all of them').argParser(parseTexts('WORD')))
    .flags((command) =>
      engineFlags(
        lockFlags(
          command.addOption(
            new Option('--limit <count>', 'name so many packages at most (default: 100)').argParser(
              parseCount('--limit', 1, MAX_SEARCH_LIMIT),
            ),
          ),
        ),
      ),
    )
    .action((file: string, words: readonly string[], _flags: SearchFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/search.js')).search(session, file, words, all(command))),
    );

  program
    .command('show')
    .description('print what the repositories say of a package')
    .addArgument(template())
    .addArgument(packageName())
    .flags((command) =>
      engineFlags(
        lockFlags(command.option('--changelog', 'also the newest entries of its changelog, where the repository publishes them')),
      ),
    )
    .action((file: string, wanted: string, _flags: ShowFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/show.js')).show(session, file, wanted, all(command))),
    );

  program
    .command('graph')
    .description('print how the packages of an image need each other, as a graph')
    .addArgument(template())
    .flags((command) =>
      engineFlags(
        lockFlags(
          command
            .addOption(new Option('--format <format>', 'text of the graph, or a drawing').choices(['dot', 'svg']).default('dot'))
            .addOption(new Option('-o, --output <file>', 'write the graph there instead of printing it').argParser(parseText('--output')))
            .option('--reduce', 'leave out what other ways imply'),
        ),
      ),
    )
    .action((file: string, _flags: GraphFlags, command: Command) =>
      run(all(command), 'document', async (session) => (await import('./commands/graph.js')).graph(session, file, all(command))),
    );
}
