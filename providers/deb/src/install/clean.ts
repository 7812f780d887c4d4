import type { BuildContext, TreePath, TreeSession } from '@ict/plugin-api';

/** Files that belong to one machine, or that hold clock times and inode numbers. Globs in the last component only. */
const REMOVED: readonly TreePath[] = [
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
  await Promise.all(REMOVED.map((pattern) => removeMatches(pattern, tree)));
  if ((await tree.stat('/etc/machine-id')) !== undefined) await tree.write('/etc/machine-id', 'uninitialized\n', { mode: 0o444 });
}

/** @param pattern a path, of which the last name may have a `*`. */
async function removeMatches(pattern: TreePath, tree: TreeSession): Promise<void> {
  const slash = pattern.lastIndexOf('/');
  const directory = pattern.slice(0, slash);
  const [prefix, suffix] = pattern.slice(slash + 1).split('*') as [string, string?];
  if (suffix === undefined) return tree.remove(pattern);
  const paths = (await tree.list(directory)).map(({ path }) => path);
  const matches = paths.filter((path) => path.slice(directory.length + 1).startsWith(prefix) && path.endsWith(suffix));
  await Promise.all(matches.map((path) => tree.remove(path)));
}
