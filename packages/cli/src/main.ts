import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineOptions } from '@ict/core';
import type { Command, CommanderError } from 'commander';
import { cliError } from './errors.js';
import type { AccidentSource } from './accidents.js';
import type { Bundle } from './fresh-bundle.js';
import { FlagError } from './flag-values.js';
import type { GlobalFlags, Runner } from './flag-types.js';
import { endSoon } from './lingering.js';
import { claimOutput } from './own-output.js';
import { createProgram, VersionAsked } from './program.js';
import type { Speech, Surroundings } from './session.js';
import type { SignalSource } from './signals.js';
import type { IdleSource } from './stuck.js';
import type { OutputStream } from './views/terminal.js';

/** Everything that {@link runCli} touches outside itself. */
export interface CliHost {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly surroundings: Surroundings;
  readonly signals: SignalSource;
  readonly idle: IdleSource;
  readonly accidents: AccidentSource;
  /** Called before the code of a command is loaded. */
  prepare?(): Promise<void>;
  /** Why something of what was printed on stdout is lost; asked when all is printed. */
  lostOutput?(): Promise<Error | undefined>;
  /** Ends the process at once, when a second signal asks for it. */
  exit(status: number): void;
}

/**
 * Runs the command line.
 *
 * Only what parses it is loaded at first; the rest follows when a command runs, so that `ict --help` is quick.
 *
 * @param argv arguments after the program's name.
 * @returns the exit status.
 */
export async function runCli(argv: readonly string[], host: CliHost): Promise<number> {
  let status = 0;
  const run: Runner = async (flags, speech, work) => {
    await host.prepare?.();
    status = await (await import('./command-run.js')).runCommand(host, flags, speech, work);
  };
  // Commander prints help; errors are ours to print.
  const output = {
    writeOut: (text: string) => host.stdout.write(text),
    writeErr: (text: string) => host.stderr.write(text),
    outputError: () => undefined,
    getOutHelpWidth: () => host.stdout.columns ?? 100,
    getErrHelpWidth: () => host.stderr.columns ?? 100,
  };
  const flags: GlobalFlags = { color: !argv.includes('--no-color'), json: argv.includes('--json') };
  const program = createProgram(run, output, argv);
  const fail = (error: unknown): Promise<void> => {
    const named = namedCommands(program, argv);
    return run(flags, speechOf(named), async () => {
      throw await usageError(error, named);
    });
  };
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof VersionAsked) {
      await run(flags, 'document', async (session) => (await import('./commands/version.js')).version(session));
    } else if (!isCommanderError(error) || error.exitCode !== 0) {
      await fail(error);
    }
  }
  const lost = await host.lostOutput?.();
  if (lost !== undefined && status === 0) await fail(outputError(lost));
  return status;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** The commands that the words name, from the outermost to the innermost: `ict`, `cache`, `gc`. */
function namedCommands(program: Command, words: readonly string[]): readonly [Command, ...Command[]] {
  let command = program;
  const named: [Command, ...Command[]] = [program];
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) continue;
    command = next;
    named.push(next);
  }
  return named;
}

async function usageError(error: unknown, named: readonly Command[]): Promise<unknown> {
  if (!(error instanceof FlagError) && !isCommanderError(error)) return error;
  const { flagError, commanderError } = await import('./usage-error.js');
  return error instanceof FlagError ? flagError(error) : commanderError(error, named);
}

/** What is said when not all of a result could be printed. */
function outputError(cause: NodeJS.ErrnoException): Error {
  return cliError('ICT_CLI_OUTPUT', {
    message: `standard output cannot be written: ${cause.code ?? cause.message}`,
    hint: 'What it has is not complete: make room where it goes, or send it elsewhere, and run the command again.',
    cause,
  });
}

function speechOf([, command, below]: readonly Command[]): Speech {
  if (command?.name() === 'cache' && below?.name() === 'check') return 'verdict';
  return ['build', 'lock', 'boot'].includes(command?.name() ?? '') ? 'events' : 'document';
}

/**
 * Runs `ict` in this process.
 *
 * @param bundle the bundle that this code runs from, if it does.
 */
export async function main(argv: readonly string[], bundle?: Bundle): Promise<void> {
  let lost: NodeJS.ErrnoException | undefined;
  // A reader such as `head`, a terminal or the room on a disk may go away: the work goes on, and what it would print is dropped.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error;
  });
  process.exitCode = await runCli(argv, {
    stdout: claimOutput(process.stdout, process.stderr),
    stderr: process.stderr,
    surroundings: {
      env: process.env,
      get cwd() {
        return currentDirectory();
      },
      home: homeDirectory(),
      uid: process.geteuid?.(),
      prompter: async () => {
        if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
        const [{ terminalPrompter }, { isatty }] = await Promise.all([import('./prompt.js'), import('node:tty')]);
        const stop = (signal: NodeJS.Signals): boolean => process.kill(process.pid, signal);
        return terminalPrompter(process.stdin, process.stderr, stop, () => isatty(process.stdin.fd));
      },
      readInput: async (signal) => (await import('./standard-input.js')).readStandardInput(process.stdin, signal),
      code: bundle === undefined ? 'modules' : 'bundle',
      openEngine: async (options) =>
        (await import('@ict/core')).openEngine({
          ...options,
          importModule: (file) => import(pathToFileURL(bundle?.modules.get(file) ?? file).href),
          ...(bundle === undefined ? {} : { recallDefinition: await definitionsOf(bundle) }),
        }),
      runProgram: async (program, env, signal) => (await import('./host-program.js')).runProgram(program, env, signal),
    },
    signals: process,
    idle: process,
    accidents: process,
    // `ict --help` has run by then: it needs too little of its code.
    prepare: async () => {
      if (bundle !== undefined) (await import('./eager-compilation.js')).compileEagerly(bundle.builtins);
    },
    lostOutput: async () => {
      await new Promise((done) => setImmediate(done)); // a stream says later what became of a write
      return lost;
    },
    exit: (status) => process.exit(status),
  });
  endSoon(process);
}

async function definitionsOf({ directory }: Bundle): Promise<NonNullable<EngineOptions['recallDefinition']>> {
  const { keptDefinition } = await import('./kept-definition.js');
  return (text) => keptDefinition(directory, text);
}

/** @throws `ICT_CLI_USAGE` when it was removed */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw cliError('ICT_CLI_USAGE', {
      message: 'the current directory does not exist any more',
      hint: 'Change to one that does, such as with `cd`.',
      cause,
    });
  }
}

/** Where a user's own files go: an absolute path, that of the system for who has no place of its own, as containers do it. */
function homeDirectory(): string {
  for (const home of [homedir, () => userInfo().homedir]) {
    try {
      const directory = home();
      if (isAbsolute(directory)) return directory;
    } catch {
      continue; // the user is not in the user database
    }
  }
  return '/';
}
