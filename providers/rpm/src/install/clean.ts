import type { BuildContext, CommandResult, TreeSession } from '@ict/plugin-api';

/** Files that belong to one machine, or that hold clock times and inode numbers. */
const REMOVED: readonly string[] = [
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/subuid-',
  '/etc/subgid-',
  '/etc/.pwd.lock',
  '/var/cache/ldconfig/aux-cache',
  '/var/lib/dbus/machine-id',
  '/var/lib/systemd/credential.secret',
  '/var/lib/systemd/random-seed',
];

/** Keys that packages import for root, as those with the repositories of Azure Linux do. */
const KEYS = '/root/.gnupg';

/** Where distributions keep rpm's database. */
const DATABASES: readonly string[] = ['/usr/lib/sysimage/rpm', '/var/lib/rpm', '/root/.rpmdb'];

/**
 * Makes two installations of the same packages equal, and one image fit for many machines.
 *
 * The machine id becomes an empty file: with `uninitialized`, as packages may leave it, systemd-firstboot asks questions on the console.
 */
export async function cleanTree(tree: TreeSession, _ctx: BuildContext): Promise<void> {
  await Promise.all(REMOVED.map((path) => tree.remove(path)));
  for (const database of DATABASES) await settleDatabase(tree, database);
  await settleKeys(tree);
  for (const { path } of await tree.list('/etc/ssh')) if (path.startsWith('/etc/ssh/ssh_host_')) await tree.remove(path);
  if ((await tree.stat('/etc/machine-id')) !== undefined) await tree.write('/etc/machine-id', '', { mode: 0o444 });
}

/** sqlite leaves an empty journal and shared memory that nobody needs any more; what is in a journal that is not empty is not lost. */
async function settleDatabase(tree: TreeSession, database: string): Promise<void> {
  await tree.remove(`${database}/.rpm.lock`);
  const journal = await tree.stat(`${database}/rpmdb.sqlite-wal`);
  if (journal !== undefined && journal.sizeBytes > 0) return;
  await tree.remove(`${database}/rpmdb.sqlite-wal`);
  await tree.remove(`${database}/rpmdb.sqlite-shm`);
}

/**
 * A keybox and a trust database hold the times at which keys were imported. The same keys as a plain keyring, which every GnuPG reads in the place of
 * a keybox, hold none; a trust database in which nobody is trusted is made anew when it is needed. What gpg cannot read stays as it is, as does all
 * where there is no gpg: then no package imported anything.
 */
async function settleKeys(tree: TreeSession): Promise<void> {
  const keybox = `${KEYS}/pubring.kbx` as const;
  if ((await tree.stat(keybox)) === undefined || (await tree.stat('/usr/bin/gpg')) === undefined) return;
  const gpg = (...args: readonly string[]): Promise<CommandResult> =>
    tree.run({
      argv: ['/usr/bin/gpg', '--batch', '--yes', '--no-autostart', ...args],
      env: { PATH: '/usr/bin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      accept: [0, 2],
    });
  const keys = await gpg('--with-colons', '--list-keys');
  if (keys.exitCode !== 0) return;
  if (/^pub:/m.test(keys.stdout) && (await gpg('--output', `${KEYS}/pubring.gpg`, '--export')).exitCode !== 0) return;
  const trust = await gpg('--export-ownertrust');
  for (const path of [keybox, `${keybox}~`] as const) await tree.remove(path);
  if (trust.exitCode === 0 && !/^[0-9A-F]{40}/m.test(trust.stdout)) await tree.remove(`${KEYS}/trustdb.gpg`);
}
