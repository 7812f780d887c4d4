import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { machineStart, processStart } from '@ict/integrity';

/**
 * Names a process for as long as it lives: `{host}-{boot}-{pid}-{start}`. `host` stands for the machine, its name and the pid namespace,
 * `boot` for one run of the kernel, `start` for the time at which the process started, so that a reused pid is another owner.
 */
export type ProcessOwner = string & { readonly __brand: 'ProcessOwner' };

/** What can be said of an owner: `unknown` for processes of other machines or containers. */
export type Liveness = 'alive' | 'dead' | 'unknown';

const pattern = /^([0-9a-f]{8})-([0-9a-f]{8})-([1-9][0-9]{0,9})-([0-9]{1,20})$/;

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // It has none, or this user may not know it.
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: there is one namespace.
    return '';
  }
}

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Start time of a process in clock ticks since boot; `0` where the system does not say; undefined when it has ended. */
function startOf(pid: number): string | undefined {
  const start = processStart(pid);
  if (start !== undefined || processStart(process.pid) !== undefined) return start;
  try {
    process.kill(pid, 0);
    return '0';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '0' : undefined;
  }
}

function here(): { readonly host: string; readonly boot: string } {
  // Of a name alone there may be many: clones of one image share theirs.
  return { host: short(`${hostname()}\0${machineId()}\0${pidNamespace()}`), boot: short(machineStart() ?? '') };
}

/** This process. */
export function currentOwner(): ProcessOwner {
  const { host, boot } = here();
  return `${host}-${boot}-${process.pid}-${startOf(process.pid) ?? '0'}` as ProcessOwner;
}

export function isProcessOwner(text: string): text is ProcessOwner {
  return pattern.test(text);
}

/** Its process id, and whether that is one of this machine and container: elsewhere the number means another process. */
export function placeOf(owner: ProcessOwner): { readonly pid: number; readonly isHere: boolean } {
  const [, host, , pid] = pattern.exec(owner) ?? [];
  return { pid: Number(pid), isHere: host === here().host };
}

/** Whether the owner still runs. A process of this host before its last boot is dead. */
export function livenessOf(owner: ProcessOwner): Liveness {
  const [, host, boot, pid, start] = pattern.exec(owner) ?? [];
  const current = here();
  if (host !== current.host) return 'unknown';
  if (boot !== current.boot) return 'dead';
  return startOf(Number(pid)) === start ? 'alive' : 'dead';
}
