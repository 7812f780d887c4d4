import { readFileSync } from 'node:fs';

/**
 * When a process of this machine started, in clock ticks since the machine did: with the process id and the start of the machine it names a process for
 * good, as ids are given again.
 *
 * @returns undefined when there is no such process, or the system does not say.
 * @see proc_pid_stat(5)
 */
export function processStart(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // The command's name may hold blanks and parentheses; the start time is the 20th field after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** A text that tells one run of the kernel from all others; undefined where the system does not say. */
export function machineStart(): string | undefined {
  return readProc('/proc/sys/kernel/random/boot_id')?.trim();
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not Linux, or the process has ended.
    return undefined;
  }
}
