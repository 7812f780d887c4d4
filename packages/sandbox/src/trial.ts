import { execFile } from 'node:child_process';

/** Outcome of a program that was run to see whether it works. */
export interface Trial {
  readonly ok: boolean;
  /** Why not: what it printed, or why it could not start. */
  readonly message: string;
}

/** Runs a program of the host, with a minute at most. @throws the signal's reason; a program that fails is a result. */
export function tryProgram(argv: readonly string[], path: string, signal?: AbortSignal): Promise<Trial> {
  const [program = '', ...rest] = argv;
  const options = {
    env: { PATH: path, LC_ALL: 'C' },
    timeout: 60_000,
    killSignal: 'SIGKILL' as const,
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    execFile(program, rest, options, (error, _stdout, stderr) => {
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ ok: error === null, message: error === null ? '' : stderr.trim().split('\n')[0] || error.message });
    });
  });
}
