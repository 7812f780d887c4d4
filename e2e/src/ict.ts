import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildEvent } from '@ict/plugin-api';
import { lockFaults } from './lock-faults.js';

/** Root of the clone. */
export const repositoryRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** How to run the command. */
export interface IctOptions {
  /** The executable; default: the clone's own `node_modules/.bin/ict`. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called for each event of a run with `--json`. */
  readonly onEvent?: (event: BuildEvent, process: ChildProcess) => void;
  readonly onStart?: (process: ChildProcess) => void;
  readonly umask?: string;
}

export interface IctResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` printed, line by line. */
  readonly events: readonly BuildEvent[];
}

/**
 * Runs `ict` with a clean environment and waits for it, and for its output to close. The lock that it made is checked.
 *
 * @throws when the packages of a lock do not hold together, or do not answer what was asked.
 */
export async function ict(args: readonly string[], options: IctOptions = {}): Promise<IctResult> {
  const result = await runIct(args, options);
  if (result.status === 0) await checkLock(args, options.cwd ?? repositoryRoot, result);
  return result;
}

/** Locks that were checked, by cache and text: most builds of a test have one that an earlier one had. */
const checked = new Set<string>();

async function checkLock(args: readonly string[], cwd: string, { events }: IctResult): Promise<void> {
  const [command, template = ''] = args;
  const after = (flag: string): string | undefined => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const cache = after('--cache-dir');
  if (cache === undefined || !['lock', 'build'].includes(command) || args.includes('--dry-run')) return;
  const file = command === 'build' ? await lockOfBuild(events) : (after('--output') ?? template.replace(/\.ya?ml$/, '.lock.yml'));
  if (file === undefined) return;
  const lock = await readFile(resolve(cwd, file), 'utf8');
  const key = `${cache} ${lock}`;
  if (checked.has(key)) return;
  checked.add(key);
  const faults = (await lockFaults(lock, resolve(cwd, cache))) ?? [];
  if (faults.length > 0) throw new Error(`the packages of ${file} do not hold together:\n${faults.join('\n')}`);
}

/** The lock that a build delivered with its image; undefined without events, and where only the build sees the directory. */
async function lockOfBuild(events: IctResult['events']): Promise<string | undefined> {
  const [image] = events.flatMap((event) => (event.type === 'build.done' ? event.artifacts.map(({ path }) => path) : []));
  if (image === undefined) return undefined;
  const names = await readdir(dirname(image)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const locks = names.filter((name) => name.endsWith('.lock.yml'));
  const own = locks.find((name) => basename(image).startsWith(basename(name, '.lock.yml')));
  return own === undefined ? undefined : join(dirname(image), own);
}

async function runIct(args: readonly string[], options: IctOptions = {}): Promise<IctResult> {
  const [program, ...first] = options.command ?? [join(repositoryRoot, 'node_modules', '.bin', 'ict')];
  const path = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
  const argv =
    options.umask === undefined
      ? [program, ...first, ...args]
      : ['sh', '-c', `umask ${options.umask}; exec "$@"`, 'sh', program, ...first, ...args];
  const child = spawn(argv[0], argv.slice(1), {
    cwd: options.cwd ?? repositoryRoot,
    env: { PATH: path, HOME: process.env['HOME'] ?? '/root', NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  options.onStart?.(child);
  const events: BuildEvent[] = [];
  let stdout = '';
  let stderr = '';
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      const event = parseEvent(line);
      if (event === undefined) continue;
      events.push(event);
      options.onEvent?.(event, child);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr, events }));
  });
}

function parseEvent(line: string): BuildEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as BuildEvent;
    return value.v === 1 ? value : undefined;
  } catch {
    return undefined; // a document over several lines, not an event
  }
}

/** The artifact of one type that a build reported. */
export function artifactOf(result: IctResult, type: string): { readonly path: string; readonly digest: string } {
  const done = result.events.find((event) => event.type === 'build.done');
  const artifact = done?.type === 'build.done' ? done.artifacts.find((candidate) => candidate.type === type) : undefined;
  if (artifact === undefined) throw new Error(`no ${type} artifact; ict exited ${result.status}:\n${result.stderr.slice(-4000)}`);
  return artifact;
}

/** The steps that hit, or that were made, in their order. */
export function stepsOf(result: IctResult, type: 'step.hit' | 'step.miss'): readonly string[] {
  return result.events.flatMap((event) => (event.type === type ? [event.step] : []));
}

/** Waits for a run of `ict` that has to succeed. @throws with what it said, when it did not. */
export async function sound(running: Promise<IctResult>): Promise<IctResult> {
  const result = await running;
  if (result.status !== 0) throw new Error(`ict exited ${result.status}:\n${result.stderr}\n${result.stdout.slice(-2000)}`);
  return result;
}
