import type { ChildProcess } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';

/** A running process, told apart from a later one with the same id by its start. */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks since the machine started. */
  readonly started: string;
}

/** Who is hit when a build is interrupted. */
export type Victim = 'ict alone' | 'its helper alone' | 'all at once' | 'Ctrl-C';

export const VICTIMS: readonly Victim[] = ['ict alone', 'its helper alone', 'all at once', 'Ctrl-C'];

/** What an interruption met. */
export interface Strike {
  /** Every process of the build at that moment, ict first; none when it had ended before. */
  readonly hit: readonly RunningProcess[];
  /** Those of them that a signal was sent to. */
  readonly struck: readonly RunningProcess[];
  /** When the signals had been sent, in milliseconds of `Date.now()`. */
  readonly timeMs: number;
}

/** Interrupts a running ict. */
export async function strike(child: ChildProcess, victim: Victim): Promise<Strike> {
  const hit = await familyOf(child.pid as number);
  const root = hit.at(0);
  const struck = root === undefined ? [] : hit.filter((process) => isVictim(process, root, victim));
  signal(struck, victim === 'Ctrl-C' ? 'SIGINT' : 'SIGKILL');
  return { hit, struck, timeMs: Date.now() };
}

function isVictim({ pid, parent, group }: RunningProcess, ict: RunningProcess, victim: Victim): boolean {
  switch (victim) {
    case 'ict alone':
      return pid === ict.pid;
    case 'its helper alone': // what ict itself started; the kernel must end all that lives below
      return parent === ict.pid;
    case 'all at once':
      return true;
    case 'Ctrl-C': // a terminal tells every process of the foreground group
      return group === ict.group;
  }
}

/** Which of these processes still run; the dead that nobody has waited for yet do not count. */
export async function stillRunning(processes: readonly RunningProcess[]): Promise<readonly RunningProcess[]> {
  const now = await listProcesses();
  return processes.filter(({ pid, started }) => now.some((process) => process.pid === pid && process.started === started));
}

/** Ids of processes whose command line, or whose view of the mounts, mentions `text`. */
export async function processesNaming(text: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of await processIds()) {
    if (pid === process.pid) continue;
    const [args, mounts] = await Promise.all([readIfRunning(pid, 'cmdline'), readIfRunning(pid, 'mountinfo')]);
    if (args?.includes(text) === true || mounts?.includes(text) === true) found.push(pid);
  }
  return found;
}

/** A process and everything below it, parents before children; empty when it is gone. */
async function familyOf(pid: number): Promise<readonly RunningProcess[]> {
  const all = await listProcesses();
  const family = all.filter((process) => process.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

function signal(processes: readonly RunningProcess[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself
    }
  }
}

async function listProcesses(): Promise<readonly RunningProcess[]> {
  const read = await Promise.all((await processIds()).map(readProcess));
  return read.filter((process) => process !== undefined);
}

/** Fields of proc(5)'s `stat`, counted after the command's name, which may hold anything. */
async function readProcess(pid: number): Promise<RunningProcess | undefined> {
  const stat = await readIfRunning(pid, 'stat');
  const [state, parent, group, ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  if (state === undefined || 'ZX'.includes(state)) return undefined;
  return { pid, parent: Number(parent), group: Number(group), started: rest[16] };
}

async function processIds(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function readIfRunning(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    // EINVAL: mounts of a process that is just ending.
    if (['ENOENT', 'ESRCH', 'EINVAL', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
