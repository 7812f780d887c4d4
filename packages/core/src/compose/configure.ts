import { stat } from 'node:fs/promises';
import { hashFile } from '@ict/integrity';
import type { BuildContext, FileSpec, ImageFormat, ImageSpec, Json, NetworkSpec, TreeSession, UserSpec } from '@ict/plugin-api';
import { coreErrorAt } from '../errors.js';
import { addInitrdModules } from './initrd-modules.js';
import { configureNetwork } from './configure-network.js';
import { secretDigest } from '../secret-digests.js';
import { namingCommand, runCommand } from './template-command.js';

/** A file of a template with its content's digest and its mode. */
export type GatheredFile = FileSpec & { readonly digest: string; readonly mode: number };

/** Reads what files of a template are. Host paths stay out of keys: only content, mode and owner count. */
export async function gatherFiles(files: readonly FileSpec[]): Promise<readonly GatheredFile[]> {
  return Promise.all(
    files.map(async (file) => {
      const [{ digest }, { mode }] = await Promise.all([hashFile(file.source), stat(file.source)]);
      return { ...file, digest, mode: file.mode ?? mode & 0o777 };
    }),
  );
}

/** The part of a step's key that stands for files. */
export function fileKeys(files: readonly GatheredFile[]): Json {
  return files.map(({ target, digest, mode, owner, group }) => ({ target, digest, mode, owner, group }));
}

/** Copies files into a tree, with owners by name or number. @throws `ICT_FILE_OWNER_UNKNOWN` */
export async function placeFiles(files: readonly GatheredFile[], tree: TreeSession): Promise<void> {
  for (const file of files) await placeFile(file, tree);
}

/** What a template changes in a tree beside its packages, with the content of the files that it names. */
export interface Configuration {
  readonly hostname?: string;
  readonly network?: NetworkSpec;
  /** Kernel modules that the initrd holds in any case. */
  readonly modules?: readonly string[];
  readonly users: readonly UserSpec[];
  readonly files: readonly GatheredFile[];
  readonly commands: ImageSpec['system']['configurations'];
}

/** Reads what a configuration depends on. */
export async function gatherConfiguration(spec: ImageSpec, format: Pick<ImageFormat, 'initrdModules'>): Promise<Configuration> {
  const files = await gatherFiles(spec.system.files);
  const { hostname, network, users, configurations, kernel } = spec.system;
  const ofFormat = format.initrdModules?.(spec) ?? [];
  const modules = ofFormat.length === 0 ? kernel.extraModules : [...new Set([...(kernel.extraModules ?? []), ...ofFormat])];
  return { hostname, network, modules, users, files, commands: configurations };
}

/** The part of a step's key that stands for a configuration. A digest stands for each password. */
export function configurationKey({ hostname, network, modules, users, files, commands }: Configuration): Json {
  return {
    hostname,
    network: network as unknown as Json,
    modules,
    users: users.map(({ passwordHash, position: _where, ...user }) => ({
      ...user,
      ...(passwordHash === undefined ? {} : { password: secretDigest(passwordHash, user.name) }),
    })),
    files: fileKeys(files),
    commands: commands.map(({ command }) => command),
  };
}

/** Environment of everything that a template runs in its tree. */
export function treeEnvironment({ epochSeconds }: Pick<BuildContext, 'epochSeconds'>): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(epochSeconds),
  };
}

/** Applies a configuration: hostname, network, modules, users, files, and then the template's commands in their order. */
export async function configureTree(configuration: Configuration, tree: TreeSession, ctx: BuildContext): Promise<void> {
  if (configuration.hostname !== undefined) await setHostname(configuration.hostname, tree);
  if (configuration.network !== undefined) await configureNetwork(configuration.network, tree, treeEnvironment(ctx));
  if (configuration.modules !== undefined) await addInitrdModules(configuration.modules, tree);
  for (const user of configuration.users) {
    try {
      await ensureUser(user, tree, ctx);
    } catch (error) {
      throw namingCommand(error, { of: `user "${user.name}"`, position: user.position, facts: { user: user.name } });
    }
  }
  await placeFiles(configuration.files, tree);
  for (const { command, position } of configuration.commands) {
    try {
      await runCommand(command, { env: treeEnvironment(ctx) }, tree, ctx);
    } catch (error) {
      throw namingCommand(error, { of: 'systemConfig.configurations', position });
    }
  }
}

async function setHostname(hostname: string, tree: TreeSession): Promise<void> {
  await tree.write('/etc/hostname', `${hostname}\n`);
  const hosts = (await readText(tree, '/etc/hosts')) ?? '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n';
  const kept = hosts.split('\n').filter((line) => line !== '' && !line.startsWith('127.0.1.1'));
  const [short] = hostname.split('.');
  const names = short === hostname ? hostname : `${hostname} ${short}`;
  await tree.write('/etc/hosts', [...kept, `127.0.1.1\t${names}`, ''].join('\n'));
}

/** Creates a user with the tree's own programs, or changes one that a package made. */
async function ensureUser(user: UserSpec, tree: TreeSession, ctx: BuildContext): Promise<void> {
  const env = treeEnvironment(ctx);
  const accounts = await readAccounts(tree, '/etc/passwd');
  const groups = await readAccounts(tree, '/etc/group');
  const wanted = [...user.groups, ...(user.sudo ? [sudoGroup(groups, user)] : [])];
  for (const group of wanted) if (!groups.has(group)) await tree.run({ argv: ['groupadd', group], env });
  const options = [
    ...(user.shell === undefined ? [] : ['--shell', user.shell]),
    ...(wanted.length === 0 ? [] : ['--groups', [...new Set(wanted)].join(',')]),
  ];
  if (accounts.has(user.name)) {
    const home = user.home === undefined ? [] : ['--home', user.home, '--move-home'];
    const append = wanted.length === 0 ? [] : ['--append'];
    if (options.length + home.length > 0) await tree.run({ argv: ['usermod', ...append, ...options, ...home, '--', user.name], env });
  } else {
    const home = user.home === undefined ? [] : ['--home-dir', user.home];
    const shell = user.shell === undefined ? ['--shell', await loginShell(tree)] : [];
    await tree.run({ argv: ['useradd', '--create-home', ...home, ...shell, ...options, '--', user.name], env });
  }
  if (user.passwordHash !== undefined) {
    // On standard input: an argv is shown in events and errors.
    await tree.run({ argv: ['chpasswd', '--encrypted'], stdin: `${user.name}:${user.passwordHash}\n`, env });
  }
  if (user.passwordMaxAgeDays !== undefined) {
    await tree.run({ argv: ['chage', '--maxdays', String(user.passwordMaxAgeDays), '--', user.name], env });
  }
  if (user.sshKeys.length > 0) await authorizeKeys(user, tree);
  const backups = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'].map((name) => `/etc/${name}-`);
  await Promise.all([...backups, '/etc/.pwd.lock'].map((path) => tree.remove(path)));
}

async function loginShell(tree: TreeSession): Promise<string> {
  return (await tree.stat('/bin/bash')) === undefined ? '/bin/sh' : '/bin/bash';
}

function sudoGroup(groups: ReadonlyMap<string, readonly string[]>, user: UserSpec): string {
  const group = ['sudo', 'wheel'].find((name) => groups.has(name));
  if (group !== undefined) return group;
  throw coreErrorAt(user.position, 'ICT_USER_INVALID', {
    message: `user ${user.name} is to use sudo, but the image has neither a group "sudo" nor "wheel"`,
    hint: 'Add the package sudo to systemConfig.packages.',
    facts: { user: user.name },
  });
}

async function authorizeKeys(user: UserSpec, tree: TreeSession): Promise<void> {
  const account = (await readAccounts(tree, '/etc/passwd')).get(user.name);
  if (account === undefined)
    throw coreErrorAt(user.position, 'ICT_USER_INVALID', { message: `user ${user.name} was not created`, facts: { user: user.name } });
  const [, , uid, gid, , home] = account;
  const owner = { uid: Number(uid), gid: Number(gid) };
  await tree.makeDirectory(`${home}/.ssh`, { ...owner, mode: 0o700 });
  await tree.write(`${home}/.ssh/authorized_keys`, `${user.sshKeys.join('\n')}\n`, { ...owner, mode: 0o600 });
}

async function placeFile(file: GatheredFile, tree: TreeSession): Promise<void> {
  const uid = await accountId(file, file.owner, '/etc/passwd', tree);
  const gid = await accountId(file, file.group, '/etc/group', tree);
  await tree.copyIn(file.source, file.target, { mode: file.mode, uid, gid });
}

async function accountId(file: FileSpec, name: string | undefined, database: string, tree: TreeSession): Promise<number> {
  if (name === undefined || name === 'root') return 0;
  if (/^[0-9]+$/.test(name)) return Number(name);
  const entry = (await readAccounts(tree, database)).get(name);
  if (entry !== undefined) return Number(entry[2]);
  throw coreErrorAt(file.position, 'ICT_FILE_OWNER_UNKNOWN', {
    message: `${file.target} is to belong to "${name}", which ${database} of the image does not list`,
    hint: 'Name a user or group that a package or the template creates, or a number.',
    facts: { target: file.target, name },
  });
}

/** passwd and group as fields by name. */
async function readAccounts(tree: TreeSession, database: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = ((await readText(tree, database)) ?? '').split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(':')).map((fields) => [fields[0], fields]));
}

async function readText(tree: TreeSession, path: string): Promise<string | undefined> {
  const bytes = await tree.read(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
