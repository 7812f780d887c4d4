import { readFileSync } from 'node:fs';

/** A mount of this namespace. */
export interface MountPoint {
  readonly path: string;
  readonly options: readonly string[];
}

/**
 * Reads the text of `/proc/self/mountinfo`: lines of id, parent, device, root, mount point, options, ... separated by spaces,
 * with blanks and backslashes in octal.
 *
 * @see proc_pid_mountinfo(5)
 */
export function parseMountTable(text: string): MountPoint[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      return { path: unescape(fields[4] ?? ''), options: (fields[5] ?? '').split(',') };
    });
}

function unescape(field: string): string {
  if (!field.includes('\\')) return field;
  // Through latin1, so that an escape in the middle of a UTF-8 character stays a byte.
  const bytes = Buffer.from(field).toString('latin1');
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(plain, 'latin1').toString('utf8');
}

/** The mounts of the agent's namespace, in the order in which they were made. */
export function readMountTable(): MountPoint[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Mount points at or below a real path (no symbolic links in it). */
export function mountsWithin(table: readonly MountPoint[], path: string): MountPoint[] {
  const prefix = path === '/' ? '/' : `${path}/`;
  return table.filter((mount) => mount.path === path || mount.path.startsWith(prefix));
}

/**
 * Flags that a remount of a bind of `path` must repeat: in a user namespace the kernel refuses to drop those that the mount
 * came with.
 *
 * @param path a real path.
 */
export function lockedFlags(table: readonly MountPoint[], path: string): string[] {
  let best: MountPoint | undefined;
  for (const mount of table) {
    const holds = mount.path === '/' || mount.path === path || path.startsWith(`${mount.path}/`);
    // A later mount on the same point covers the earlier one.
    if (holds && (best === undefined || mount.path.length >= best.path.length)) best = mount;
  }
  return (best?.options ?? []).filter((option) => option === 'nosuid' || option === 'nodev' || option === 'noexec');
}
