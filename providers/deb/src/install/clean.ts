import type { BuildContext, TreeSession } from '@ict/plugin-api';

/** Files that belong to one machine, or that hold clock times and inode numbers. Globs in the last component only. */
const REMOVED: readonly string[] = [
  '/etc/ssh/ssh_host_*',
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/subuid-',
  '/etc/subgid-',
  '/etc/.pwd.lock',
  '/var/cache/ldconfig/aux-cache',
  '/var/cache/debconf/*-old',
  '/var/lib/dbus/machine-id',
  '/var/lib/dpkg/*-old',
  '/var/lib/dpkg/lock*',
  '/var/lib/dpkg/triggers/Lock',
  '/var/lib/systemd/credential.secret',
  '/var/lib/systemd/random-seed',
  '/var/log/alternatives.log',
  '/var/log/bootstrap.log',
  '/var/log/dpkg.log',
  '/var/log/fontconfig.log',
];

/**
 * Makes two installations of the same packages equal, and one image fit for many machines.
 *
 * The machine id becomes `uninitialized`: an empty file would not count as a first boot, and the units that make a machine's
 * ssh keys have `ConditionFirstBoot=yes`.
 */
export async function cleanTree(tree: TreeSession, _ctx: BuildContext): Promise<void> {
  for (const pattern of REMOVED) {
    const slash = pattern.lastIndexOf('/');
    const directory = pattern.slice(0, slash);
    const last = pattern.slice(slash + 1);
    const [prefix, suffix] = last.split('*');
    if (suffix === undefined) {
      await tree.remove(pattern);
      continue;
    }
    for (const entry of await tree.list(directory)) {
      const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
      if (name.startsWith(prefix) && name.endsWith(suffix)) await tree.remove(`${directory}/${name}`);
    }
  }
  if ((await tree.stat('/etc/machine-id')) !== undefined) await tree.write('/etc/machine-id', 'uninitialized\n', { mode: 0o444 });
}
