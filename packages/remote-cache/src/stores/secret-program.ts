import { execFile, type ExecFileException } from 'node:child_process';

/** How a program is asked. */
export interface ProgramQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  readonly withinMs: number;
  /** What it is told on its standard input. */
  readonly input?: string;
}

/**
 * What a program prints that knows secrets, without a shell. An error of Node's would quote its arguments and what it said: it is for who looks at how it ended.
 *
 * @throws the signal's reason.
 */
export function askProgram(
  program: string,
  args: readonly string[],
  { env, signal, withinMs, input = '' }: ProgramQuestion,
): Promise<{ readonly error: ExecFileException | null; readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...env }, timeout: withinMs, killSignal: 'SIGKILL', ...(signal === undefined ? {} : { signal }) } as const;
    const child = execFile(program, args, options, (error, stdout) => {
      if (error !== null && signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ error, stdout });
    });
    child.stdin?.on('error', () => undefined); // it ended without reading, which its status tells
    child.stdin?.end(input);
  });
}
