import type { OutputStream } from './views/terminal.js';

/** A stream of the process, of which what is printed can be sent elsewhere. */
export type ProcessStream = OutputStream & Pick<NodeJS.WritableStream, 'write'>;

/**
 * Takes standard output for the command alone: scripts read its documents and events there. What else in the process prints, as a plugin does with
 * `console.log`, goes to `aside` from now on.
 *
 * @returns what the command prints with.
 */
export function claimOutput(stdout: ProcessStream, aside: ProcessStream): OutputStream {
  const write = stdout.write.bind(stdout);
  stdout.write = aside.write.bind(aside);
  return Object.create(stdout, { write: { value: write } }) as OutputStream;
}
