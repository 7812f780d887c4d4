import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in which Linux tells the times of processes, whatever its own clock (`USER_HZ`). */
const TICKS = 100;

interface ProcessTimes {
  readonly parent: number;
  /** Its own, and those of its children that it waited for. */
  readonly ticks: number;
}

/**
 * User and system time that a running process and all below it have taken until now, those included that ended and were waited for.
 *
 * @see proc(5), /proc/PID/stat
 */
export function cpuOfTree(root: number): number {
  const processes = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(name) : undefined;
    if (times !== undefined) processes.set(Number(name), times);
  }
  const below = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = processes.get(at)?.parent) if (at === root) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, times] of processes) if (below(pid)) ticks += times.ticks;
  return ticks / TICKS;
}

/** Undefined for a process that has ended. */
function timesOf(pid: string): ProcessTimes | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name of the command may hold blanks and parentheses: what follows its end begins with the third field.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  return { parent: fields[1] ?? 0, ticks };
}
