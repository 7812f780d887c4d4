import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a build must leave as it found it. */
export interface HostState {
  readonly mounts: string;
  readonly loops: string;
  readonly etc: string;
  readonly dev: string;
  /** Names in the user's home, but for compiled code of Node, and of what commands make in places for temporary files. */
  readonly strays: string;
}

/** What is mounted, as the kernel lists it. */
export function readMounts(): Promise<string> {
  return readFile('/proc/mounts', 'utf8');
}

/** Reads mounts, loop devices, names, modes, sizes and times of /etc, names of /dev, and what lies where programs like to leave things. */
export async function readHostState(): Promise<HostState> {
  const list = async (directory: string, format: string) => {
    const { stdout } = await run('find', [directory, '-xdev', '-printf', format], { maxBuffer: 64 * 1024 ** 2 });
    return stdout.split('\n').sort().join('\n');
  };
  const home = homedir();
  const compiled = join(home, '.cache', 'image-composer-tool', 'compile');
  const strays = await Promise.all([
    ...[home, join(home, '.cache'), join(home, '.config'), join(home, '.local'), dirname(compiled)].map(async (directory) =>
      // A home that never had any gets the directories above as well.
      (await namesIn(directory)).filter((path) => !`${compiled}/`.startsWith(`${path}/`)),
    ),
    ...[tmpdir(), '/var/tmp'].map(async (directory) =>
      (await namesIn(directory)).filter((path) => /\/(?:ict-(?:boot|doctor|verify)-|image-composer)/.test(path)),
    ),
  ]);
  return {
    mounts: await readMounts(),
    loops: (await run('losetup', ['-a'])).stdout,
    etc: await list('/etc', '%p %m %s %T@ %u %g\n'),
    dev: await list('/dev', '%p %y\n'),
    strays: strays.flat().join('\n'),
  };
}

/** Paths of what lies in a directory; none when it does not exist. */
async function namesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.map((name) => join(directory, name)).sort();
}

/** Waits until `check` holds. @throws when it does not within `timeoutMs`. */
export async function eventually(check: () => Promise<boolean>, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
