import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { cpuOfTree } from './process-tree.js';

/** A whole process to measure: an argv, without a shell. */
export interface BenchCommand {
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What one run of a command took. */
export interface Measurement {
  readonly wallSeconds: number;
  /** User and system time of the process and of all its descendants that were waited for, directly or through their parents. */
  readonly cpuSeconds: number;
}

/** A moment within a run, told by a line of the command's standard output. */
export interface Milestone {
  readonly name: string;
  readonly reached: (line: string) => boolean;
}

/**
 * Runs a command under the `time` of bash, which reads the times of the command and of all that it waited for from the kernel
 * (`RUSAGE_CHILDREN`). Node can only tell its own times. The times come through file descriptor 3, so that the command keeps its own
 * standard error.
 *
 * What a process leaves behind without waiting for it is not counted. The pid 1 of a namespace reaps everything inside when it
 * ends, so nothing of a sandbox gets lost. `test/measurement.test.ts` checks that it adds up.
 */
const SCRIPT = `TIMEFORMAT='%3R %3U %3S'; exec 4>&2; { time "$@" 2>&4 3>&- 4>&-; } 2>&3`;

const KEPT_OUTPUT_BYTES = 4096;

/**
 * Runs a command once.
 *
 * @returns what the whole run took and, if asked for, what it had taken when it printed the first line that reaches the milestone.
 * @throws when it cannot be started, ends with another exit status than 0, or never reaches the milestone.
 */
export async function measure(
  { argv, cwd, env }: BenchCommand,
  milestone?: Milestone,
): Promise<Measurement & { readonly milestone?: Measurement }> {
  const start = performance.now();
  const child = spawn('bash', ['-c', SCRIPT, 'bash', ...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let times = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = `${output}${chunk.toString()}`.slice(-KEPT_OUTPUT_BYTES);
    });
  }
  let reached: Measurement | undefined;
  if (milestone !== undefined) {
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      if (reached !== undefined || !milestone.reached(line)) return;
      reached = { wallSeconds: Math.round(performance.now() - start) / 1000, cpuSeconds: cpuOfTree(child.pid as number) };
    });
  }
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    times += chunk.toString();
  });
  const status = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? String(code)));
  });
  if (status !== '0') throw new Error(`${argv.join(' ')} ended with ${status}:\n${output}`);
  if (milestone === undefined) return parseTimes(times);
  if (reached === undefined) throw new Error(`${argv.join(' ')} never said that it reached: ${milestone.name}`);
  return { ...parseTimes(times), milestone: reached };
}

/** Reads `real user system`, in seconds. */
export function parseTimes(text: string): Measurement {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+)$/.exec(text.trim());
  if (match === null) throw new Error(`bash did not print times, but ${JSON.stringify(text)}`);
  const [real, user, system] = match.slice(1).map(Number) as [number, number, number];
  return { wallSeconds: real, cpuSeconds: Math.round((user + system) * 1000) / 1000 };
}
