import { chmodSync, existsSync, lstatSync, mkdirSync, realpathSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
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

/** One line of the list that `mount --all` reads. */
export interface ListedMount {
  readonly source: string;
  /** Relative to the working directory, or absolute. */
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/** The list as `mount --all` reads it; blanks and what else could end a field are in octal. @see fstab(5) */
export function mountList(mounts: readonly ListedMount[]): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  const field = (text: string): string => text.replace(/[\s\\#]/g, (character) => [...Buffer.from(character)].map(octal).join(''));
  return mounts.map(({ source, target, type, options }) => `${field(source)} ${field(target)} ${type} ${options} 0 0\n`).join('');
}

/**
 * Makes mounts one after another in one process: starting a program for each costs more than all of them.
 *
 * @param list where the list is written; it is gone afterwards.
 */
async function mountAll(what: string, mounts: readonly ListedMount[], cwd: string, list: string): Promise<void> {
  writeFileSync(list, mountList(mounts), { flag: 'wx' });
  try {
    await changeMounts(what, ['mount', '-n', '-i', '--all', '--fstab', list], cwd);
  } finally {
    unlinkSync(list);
  }
}

/** As {@link bindMount}, read-only, for many files: one process, and one look at the mounts. `list` is as for {@link mountAll}. */
export async function bindFiles(
  files: readonly { readonly source: string; readonly target: string }[],
  cwd: string,
  list: string,
): Promise<void> {
  const table = readMountTable();
  const mounts = files.map(({ source, target }) => {
    const real = realpathSync(source);
    return { source: real, target, type: 'none', options: bindOptions(table, real, false) };
  });
  await mountAll(`Binding ${files.length} files`, mounts, cwd, list);
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
 * Takes away what is mounted at each target with all that is mounted on it, in one step. For what is no part of a tree, and from which nothing is kept:
 * whether anybody still uses it is not asked. Going through many mounts one by one, as {@link unmountAll} does, umount reads all of them for each.
 */
export async function detachAll(targets: readonly string[]): Promise<void> {
  if (targets.length === 0) return;
  await changeMounts(`Unmounting ${targets.join(' and ')}`, ['umount', '-n', '-l', '--', ...targets], '/');
}

/** Directories of a tree that the sandbox mounts over, with their modes when they are missing. */
export const MOUNT_POINTS: readonly (readonly [name: string, mode: number])[] = [
  ['dev', 0o755],
  ['proc', 0o755],
  ['run', 0o755],
  ['sys', 0o755],
  ['tmp', 0o1777],
];

/** Devices that commands see, those of the host. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Links of `/dev`. */
const DEVICE_LINKS = {
  ptmx: 'pts/ptmx',
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
};

/**
 * Parts of `proc` through which a command could change the host, most of which ask for no power but to be root: a line in `scsi/scsi` takes
 * away a disk.
 */
const HOST_PROC = ['acpi', 'asound', 'bus', 'dynamic_debug', 'fs', 'irq', 'scsi', 'sys', 'sysrq-trigger'];

const tmpfs = (target: string, options: string): ListedMount => ({ source: 'tmpfs', target, type: 'tmpfs', options });

/**
 * The tree once more, with kernel interfaces and scratch space on top of it, so that its layer does not see what is written there. `dev` is
 * filled before, so that one process can mount it and what lies in it: starting a program costs more than all of these mounts.
 */
const FURNITURE: readonly ListedMount[] = [
  { source: './bare', target: './root', type: 'none', options: 'bind' },
  { source: 'sysfs', target: './root/sys', type: 'sysfs', options: 'ro,nosuid,nodev,noexec' },
  { source: './dev', target: './root/dev', type: 'none', options: 'bind,nosuid,nodev,noexec' },
  ...DEVICES.map((name) => ({ source: `/dev/${name}`, target: `./root/dev/${name}`, type: 'none', options: 'bind' })),
  {
    source: 'devpts',
    target: './root/dev/pts',
    type: 'devpts',
    options: 'newinstance,nosuid,noexec,ptmxmode=0666,mode=0620,gid=5',
  },
  tmpfs('./root/dev/shm', 'mode=1777,nosuid,nodev'),
  tmpfs('./root/run', 'mode=0755,nosuid,nodev'),
  tmpfs('./root/tmp', 'mode=1777,nosuid,nodev'),
];

/** Name of the list of mounts that each command makes for itself, beside the root of its tree. */
export const COMMAND_MOUNTS = 'command.fstab';

/** A `proc` that shows only the command, with {@link HOST_PROC} read-only; targets are relative to the root of the tree. */
function commandMounts(): readonly ListedMount[] {
  const parts = HOST_PROC.filter((name) => existsSync(`/proc/${name}`)).map((name) => `./proc/${name}`);
  return [
    { source: 'proc', target: './proc', type: 'proc', options: 'nosuid,nodev,noexec' },
    ...parts.map((path) => ({ source: path, target: path, type: 'none', options: 'bind,ro,nosuid,nodev,noexec' })),
  ];
}

/** Shows the tree mounted at `directory/bare`, in a tmpfs, at `directory/root` too, there with the mounts that commands need. */
export async function furnish(directory: string): Promise<void> {
  for (const [name] of MOUNT_POINTS) {
    if (lstatSync(`${directory}/bare/${name}`).isDirectory()) continue;
    throw sandboxError('ICT_SANDBOX_MOUNT', {
      message: `/${name} of the tree is not a directory, so the sandbox cannot mount over it`,
      hint: 'Find the package or file of the template that replaced it.',
      facts: { path: `/${name}` },
    });
  }
  const dev = `${directory}/dev`;
  mkdirSync(dev, { mode: 0o755 });
  for (const name of DEVICES) writeFileSync(`${dev}/${name}`, '', { flag: 'wx' });
  for (const name of ['pts', 'shm']) mkdirSync(`${dev}/${name}`, { mode: 0o755 });
  for (const [name, target] of Object.entries(DEVICE_LINKS)) symlinkSync(target, `${dev}/${name}`);
  await mountAll('Mounting /dev, /run, /sys and /tmp of a tree', FURNITURE, directory, `${directory}/furniture.fstab`);
  const lock = `${directory}/root/run/lock`;
  mkdirSync(lock);
  chmodSync(lock, 0o1777);
  writeFileSync(`${directory}/${COMMAND_MOUNTS}`, mountList(commandMounts()));
}
