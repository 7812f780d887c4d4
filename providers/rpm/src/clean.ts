import type { BuildContext, TreeSession } from '@ict/plugin-api';

/** Files that belong to one machine, or that hold clock times and inode numbers. */
const REMOVED: readonly string[] = [
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/subuid-',
  '/etc/subgid-',
  '/etc/.pwd.lock',
  '/usr/lib/sysimage/rpm/.rpm.lock',
  '/var/cache/ldconfig/aux-cache',
  '/var/lib/dbus/machine-id',
  '/var/lib/rpm/.rpm.lock',
  '/var/lib/systemd/credential.secret',
  '/var/lib/systemd/random-seed',
];

/**
 * Makes two installations of the same packages equal, and one image fit for many machines.
 *
 * The machine id becomes an empty file: with `uninitialized`, as packages may leave it, systemd-firstboot asks questions on the console.
 */
export async function cleanTree(tree: TreeSession, _ctx: BuildContext): Promise<void> {
  for (const path of REMOVED) await tree.remove(path);
  for (const { path } of await tree.list('/etc/ssh')) if (path.startsWith('/etc/ssh/ssh_host_')) await tree.remove(path);
  if ((await tree.stat('/etc/machine-id')) !== undefined) await tree.write('/etc/machine-id', '', { mode: 0o444 });
}
