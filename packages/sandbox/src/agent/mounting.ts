import { lstatSync, realpathSync } from 'node:fs';
import { sandboxError } from '../errors.js';
import { runHostProgram } from './host-program.js';
import { lockedFlags, readMountTable, type MountPoint } from './mount-table.js';

/** Runs a program that changes the agent's mounts. @throws `ICT_SANDBOX_MOUNT` with what it printed. */
export async function changeMounts(what: string, argv: readonly string[], cwd: string): Promise<void> {
  const end = await runHostProgram(argv, { cwd });
  if (end.status === 0) return;
  throw sandboxError('ICT_SANDBOX_MOUNT', {
    message: `${what} failed: ${end.stderr || `status ${end.status}`}`,
    hint: 'Run "ict doctor": it tries what the sandbox needs.',
    facts: { what, status: end.status, stderr: end.stderr },
  });
}

/**
 * Makes a host file or directory visible at `target`, an existing one of the same kind named relative to `cwd`.
 * Devices below it cannot be opened.
 */
export async function bindMount(source: string, target: string, cwd: string, writable: boolean): Promise<void> {
  const real = realpathSync(source);
  const options = bindOptions(readMountTable(), real, writable);
  await changeMounts(`Binding ${source}`, ['mount', '-n', '-i', '-o', options, '--', real, target], cwd);
}

/** Binds its arguments, read as options, source and target in turns. */
const BIND_ALL = `set -eu
while [ "$#" -gt 0 ]; do
  mount -n -i -o "$1" -- "$2" "$3"
  shift 3
done`;

/** Files that one argv certainly has room for. */
const BIND_AT_ONCE = 500;

/** As {@link bindMount}, read-only, for many files: few processes, and one look at the mounts. */
export async function bindFiles(files: readonly { readonly source: string; readonly target: string }[], cwd: string): Promise<void> {
  const table = readMountTable();
  for (let start = 0; start < files.length; start += BIND_AT_ONCE) {
    const some = files.slice(start, start + BIND_AT_ONCE);
    const triples = some.flatMap(({ source, target }) => {
      const real = realpathSync(source);
      return [bindOptions(table, real, false), real, target];
    });
    await changeMounts(`Binding ${some.length} files`, ['sh', '-c', BIND_ALL, 'ict', ...triples], cwd);
  }
}

function bindOptions(table: readonly MountPoint[], real: string, writable: boolean): string {
  return ['bind', ...new Set(['nodev', ...lockedFlags(table, real), ...(writable ? [] : ['ro'])])].join(',');
}

/**
 * Overlay options. `userxattr`: opaque marks are `user.` attributes, so that root and a user namespace store alike. `volatile`:
 * nothing is flushed, as a layer that a crash cut short is dropped. `index=off`: the same view whatever the kernel's default.
 */
const WRITABLE = 'userxattr,volatile,index=off';

/**
 * Mounts an overlay at `target`. Layers are named by the short links in `cwd` (`0` is the lowest), so that neither their
 * number nor their characters matter to the option string.
 *
 * @param layers how many layers there are; without an upper at least two.
 */
export async function overlayMount(layers: number, upper: boolean, target: string, cwd: string): Promise<void> {
  const lowers = Array.from({ length: layers }, (_, index) => layers - 1 - index).join(':');
  const options = upper ? `nodev,${WRITABLE},lowerdir=${lowers},upperdir=u,workdir=w` : `ro,nodev,userxattr,lowerdir=${lowers}`;
  await changeMounts('Mounting an overlay', ['mount', '-n', '-i', '-t', 'overlay', '-o', options, 'overlay', target], cwd);
}

/** Unmounts each target and what is mounted on it, in this order. */
export async function unmountAll(targets: readonly string[]): Promise<void> {
  if (targets.length === 0) return;
  await changeMounts(`Unmounting ${targets.join(' and ')}`, ['umount', '-n', '-R', '--', ...targets], '/');
}

/**
 * Mounts of every tree: kernel interfaces and scratch space, on top of the tree, so that its layer does not see what is
 * written there. `proc` is not among them: each command mounts its own.
 */
const FURNISH = `set -eu
mount -n -i --bind bare root
cd root
mount -n -i -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -n -i -t tmpfs -o mode=0755,nosuid,nodev,noexec tmpfs dev
for device in null zero full random urandom tty; do
  : > "dev/$device"
  mount -n -i --bind "/dev/$device" "dev/$device"
done
mkdir -m 0755 dev/pts
mkdir -m 1777 dev/shm
mount -n -i -t devpts -o newinstance,nosuid,noexec,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -n -i -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -n -i -t tmpfs -o mode=0755,nosuid,nodev tmpfs run
mkdir -m 1777 run/lock
mount -n -i -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp`;

/** Directories of a tree that the sandbox mounts over, with their modes when they are missing. */
export const MOUNT_POINTS: readonly (readonly [name: string, mode: number])[] = [
  ['dev', 0o755],
  ['proc', 0o755],
  ['run', 0o755],
  ['sys', 0o755],
  ['tmp', 0o1777],
];

/** Shows the tree mounted at `directory/bare` at `directory/root` too, there with the mounts that commands need. */
export async function furnish(directory: string): Promise<void> {
  for (const [name] of MOUNT_POINTS) {
    if (lstatSync(`${directory}/bare/${name}`).isDirectory()) continue;
    throw sandboxError('ICT_SANDBOX_MOUNT', {
      message: `/${name} of the tree is not a directory, so the sandbox cannot mount over it`,
      hint: 'Find the package or file of the template that replaced it.',
      facts: { path: `/${name}` },
    });
  }
  await changeMounts('Mounting /dev, /run, /sys and /tmp of a tree', ['sh', '-c', FURNISH], directory);
}
