import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a build must leave as it found it. */
export interface HostState {
  readonly mounts: string;
  readonly loops: string;
  readonly etc: string;
  readonly dev: string;
}

/** Reads mounts, loop devices, and names, modes, sizes and times of /etc and names of /dev. */
export async function readHostState(): Promise<HostState> {
  const list = async (directory: string, format: string) => {
    const { stdout } = await run('find', [directory, '-xdev', '-printf', format], { maxBuffer: 64 * 1024 ** 2 });
    return stdout.split('\n').sort().join('\n');
  };
  return {
    mounts: await readFile('/proc/mounts', 'utf8'),
    loops: (await run('losetup', ['-a'])).stdout,
    etc: await list('/etc', '%p %m %s %T@ %u %g\n'),
    dev: await list('/dev', '%p %y\n'),
  };
}

/** Waits until `check` holds. @throws when it does not within `timeoutMs`. */
export async function eventually(check: () => Promise<boolean>, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
