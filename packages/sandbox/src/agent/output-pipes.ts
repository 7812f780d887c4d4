import { closeSync, constants, openSync } from 'node:fs';
import { sandboxError } from '../errors.js';
import { runHostProgram } from './host-program.js';

/** Both outputs of one command, as descriptors: what the agent reads, which does not block and is its to close, and what the command gets. */
export interface OutputPipes {
  readonly readers: { readonly stdout: number; readonly stderr: number };
  readonly writers: { readonly stdout: number; readonly stderr: number };
  /** Closes the agent's copies of the command's ends: the outputs end when the command's processes have. */
  started(): void;
  /** Gives the pipes back, once no process holds them. */
  release(): void;
}

/**
 * Pipes for the output of commands. Node connects its children through sockets, which cannot be opened by name: there
 * `echo > /dev/stderr`, common in maintainer scripts, fails. So these are named pipes, made by mkfifo(1) and used again.
 */
export class OutputPipePool {
  readonly #directory: string;
  readonly #free: number[] = [];
  #made = 0;

  /** @param directory where the named pipes are made. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws `ICT_SANDBOX_MOUNT` when the pipes cannot be made. */
  async take(): Promise<OutputPipes> {
    const index = await this.#index();
    const stdout = openPipe(this.#name(index, 'stdout'));
    const stderr = openPipe(this.#name(index, 'stderr'));
    return {
      readers: { stdout: stdout.reader, stderr: stderr.reader },
      writers: { stdout: stdout.writer, stderr: stderr.writer },
      started: () => {
        closeSync(stdout.writer);
        closeSync(stderr.writer);
      },
      release: () => void this.#free.push(index),
    };
  }

  async #index(): Promise<number> {
    return this.#free.pop() ?? (await this.#make());
  }

  async #make(): Promise<number> {
    const index = this.#made++;
    // Writable for all: a command that changed its user opens /dev/stderr too.
    const names = [this.#name(index, 'stdout'), this.#name(index, 'stderr')];
    const end = await runHostProgram(['mkfifo', '-m', '0666', '--', ...names]);
    if (end.status === 0) return index;
    throw sandboxError('ICT_SANDBOX_MOUNT', {
      message: `Pipes for a command could not be made: ${end.stderr}`,
      hint: 'Run "ict doctor": it tries what the sandbox needs.',
      facts: { status: end.status },
    });
  }

  #name(index: number, output: string): string {
    return `${this.#directory}/pipe-${index}-${output}`;
  }
}

function openPipe(path: string): { reader: number; writer: number } {
  // The reading end first, without waiting for a writer.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}
