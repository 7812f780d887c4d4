import { homedir } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { EngineOptions } from '@ict/core';
import type { Command, CommanderError } from 'commander';
import type { Bundle } from './fresh-bundle.js';
import { FlagError } from './flag-values.js';
import type { GlobalFlags, Runner } from './flag-types.js';
import { createProgram } from './program.js';
import type { Surroundings } from './session.js';
import type { SignalSource } from './signals.js';
import type { OutputStream } from './views/terminal.js';

/** Everything that {@link runCli} touches outside itself. */
export interface CliHost {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly surroundings: Surroundings;
  readonly signals: SignalSource;
  /** Called before the code of a command is loaded. */
  prepare?(): Promise<void>;
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
  const words = argv[0] === '--version' ? ['version', ...argv.slice(1)] : argv;
  const program = createProgram(run, output, words);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (isCommanderError(error) && error.exitCode === 0) return 0;
    const flags: GlobalFlags = { color: !argv.includes('--no-color'), json: argv.includes('--json') };
    await run(flags, speechOf(argv), async () => {
      throw await usageError(error, namedCommand(program, words));
    });
  }
  return status;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** The innermost command that the words name, as one types it: `ict cache gc`. */
function namedCommand(program: Command, words: readonly string[]): string {
  let command = program;
  const names = [command.name()];
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) continue;
    command = next;
    names.push(word);
  }
  return names.join(' ');
}

async function usageError(error: unknown, command: string): Promise<unknown> {
  if (!(error instanceof FlagError) && !isCommanderError(error)) return error;
  const { flagError, commanderError } = await import('./usage-error.js');
  return error instanceof FlagError ? flagError(error) : commanderError(error, command);
}

function speechOf(argv: readonly string[]): 'events' | 'document' {
  const command = argv.find((argument) => !argument.startsWith('-'));
  return command !== undefined && ['build', 'lock', 'boot'].includes(command) ? 'events' : 'document';
}

/**
 * Runs `ict` in this process.
 *
 * @param bundle the bundle that this code runs from, if it does.
 */
export async function main(argv: readonly string[], bundle?: Bundle): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  process.exitCode = await runCli(argv, {
    stdout: process.stdout,
    stderr: process.stderr,
    surroundings: {
      env: process.env,
      cwd: process.cwd(),
      home: homedir(),
      uid: process.geteuid?.(),
      prompter: async () =>
        process.stdin.isTTY && process.stderr.isTTY
          ? (await import('./prompt.js')).terminalPrompter(process.stdin, process.stderr)
          : undefined,
      readInput: async () => (await import('./standard-input.js')).readStandardInput(process.stdin),
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
    // `ict --help` has run by then: it needs too little of its code.
    prepare: async () => {
      if (bundle !== undefined) (await import('./eager-compilation.js')).compileEagerly(bundle.builtins);
    },
    exit: (status) => process.exit(status),
  });
}

async function definitionsOf({ directory }: Bundle): Promise<NonNullable<EngineOptions['recallDefinition']>> {
  const { keptDefinition } = await import('./kept-definition.js');
  return (text) => keptDefinition(directory, text);
}

/** A reader such as `head` may go away; the work goes on, and what it would print is dropped. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
