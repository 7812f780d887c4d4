import { chmod, constants, lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ignoreSystemError } from '@ict/integrity';
import { hostArchitecture, isIctError, type Architecture } from '@ict/plugin-api';
import type { AskFileSystem } from './file-system.js';
import { tryArchitecture } from './emulated-programs.js';
import { allows, meansNo } from './file-access.js';
import { check, installCommand, type HostCheck } from './host-check.js';
import { directoryRefusal, directoryRoom, fileSystemRefusal, nearestExisting, type WrittenDirectory } from './inspect-directories.js';
import { currentUser, ownRanges } from './subordinate-ids.js';
import { findProgram, programPath } from './programs.js';
import { TRIAL_LIMIT_MS, TRIAL_PREFIX, tryMappedIds, tryProgram } from './trial.js';

/** Firmware of a virtual machine: code, and the variables that belong to it. Absolute paths. */
export interface FirmwareFiles {
  readonly code: string;
  readonly variables: string;
}

/** What a virtual machine needs of the host. */
export interface MachineNeeds {
  /** qemu's program, and the Debian package that has it. */
  readonly program: string;
  readonly package: string;
  /** Where its firmware may lie, and the Debian package that has it. */
  readonly firmware: readonly FirmwareFiles[];
  readonly firmwarePackage: string;
  /** False for a machine of another architecture, which KVM does not run. */
  readonly native: boolean;
}

interface InspectSettings {
  /** Where programs are looked for; default: the standard directories and the environment's `PATH`. */
  readonly path?: string;
  readonly signal?: AbortSignal;
}

export interface InspectForBuilds extends InspectSettings {
  readonly purpose: 'build';
  /** Directories that a build writes in. */
  readonly directories?: readonly WrittenDirectory[];
  /** Of the images, whose programs run while they are built. Default: that of this machine. */
  readonly architecture?: Architecture;
  /** How file systems are asked for; default: the system. */
  readonly fileSystem?: AskFileSystem;
}

export interface InspectForBoot extends InspectSettings {
  readonly purpose: 'boot';
  readonly machine: MachineNeeds;
}

export type InspectOptions = InspectForBuilds | InspectForBoot;

const MINIMUM_NODE = [24, 15] as const;

/** Programs of the host that a build starts, and the Debian package of each. */
const BUILD_PROGRAMS: Readonly<Record<string, string>> = {
  env: 'coreutils',
  hostname: 'hostname',
  mkfifo: 'coreutils',
  mknod: 'coreutils',
  mount: 'mount',
  nsenter: 'util-linux',
  rm: 'coreutils',
  setpriv: 'util-linux',
  sh: 'dash',
  tar: 'tar',
  umount: 'mount',
  unshare: 'util-linux',
};

/**
 * Looks at what the host offers. What can be tried is tried for real, in namespaces that vanish with the trial; nothing is changed.
 *
 * @returns every check, failed ones with a remedy. A missing thing is a result, never an error.
 * @throws the signal's reason.
 */
export async function inspectHost(options: InspectOptions): Promise<readonly HostCheck[]> {
  const path = options.path ?? programPath(process.env['PATH']);
  options.signal?.throwIfAborted();
  return options.purpose === 'build' ? inspectForBuilds(options, path) : inspectForBoot(options.machine, path);
}

async function inspectForBuilds(options: InspectForBuilds, path: string): Promise<HostCheck[]> {
  const checks = [nodeVersion(), ...(await programs(BUILD_PROGRAMS, path))];
  /** Flags of unshare that give rights in the namespace; undefined when there are none. */
  let user: readonly string[] | undefined = [];
  if (process.geteuid?.() !== 0) {
    const mappers = await programs({ newuidmap: 'uidmap', newgidmap: 'uidmap' }, path);
    const ids = await subordinateIds();
    const mappable = [...mappers, ids].every(({ ok }) => ok);
    const namespaces = await userNamespaces(mappable, path, options.signal);
    checks.push(...mappers, ids, namespaces);
    user = namespaces.ok ? ['--user', '--map-root-user'] : undefined;
  }
  const forTrees = (options.directories ?? []).filter(({ trees }) => trees === true);
  const { architecture } = options;
  if (user !== undefined && architecture !== undefined && architecture !== hostArchitecture()) {
    checks.push(await emulation(architecture, user, path, forTrees[0]?.path, options.signal));
  }
  const unfit = (await Promise.all(forTrees.map(({ path: place }) => fileSystemRefusal(place, options.fileSystem)))).filter(
    (found) => found !== undefined,
  );
  checks.push(...unfit);
  // Where the file system or the group says no, a trial would only say it again, in other words.
  if (user !== undefined && unfit.length === 0) checks.push(await overlay(user, path, forTrees[0]?.path, options.signal));
  for (const directory of options.directories ?? []) {
    const refused = await directoryRefusal(directory);
    // Where nothing can be made, room is of no use.
    checks.push(refused ?? (await directoryRoom(directory)));
  }
  return checks;
}

/** Debian's emulators, which its set-up has the kernel open. */
const EMULATORS = 'qemu-user-static';

async function emulation(
  architecture: Architecture,
  user: readonly string[],
  path: string,
  directory: string | undefined,
  signal: AbortSignal | undefined,
): Promise<HostCheck> {
  const { ok, message } = await inTrialPlace(directory, (root) => tryArchitecture(architecture, root, user, path, signal));
  const host = hostArchitecture();
  const detail = ok
    ? `Programs of ${architecture} run on this machine of ${host}, by emulation, many times slower`
    : `Programs of ${architecture} do not run on this machine of ${host}: its kernel knows no emulator for them that works in a tree of its own (${message})`;
  return check('architecture', ok, detail, installCommand(EMULATORS));
}

async function inspectForBoot(machine: MachineNeeds, path: string): Promise<HostCheck[]> {
  const checks = [nodeVersion(), ...(await programs({ [machine.program]: machine.package }, path))];
  const { firmware: places, firmwarePackage, native } = machine;
  const whole = await Promise.all(places.map(async ({ code, variables }) => (await readable(code)) && (await readable(variables))));
  const found = places[whole.indexOf(true)];
  for (const part of ['code', 'variables'] as const) {
    const detail = found?.[part] ?? `No UEFI firmware for ${machine.program}, with its variables, was found`;
    checks.push(check(`firmware ${part}`, found !== undefined, detail, installCommand(firmwarePackage)));
  }
  if (!native) return checks;
  const kvm = await allows('/dev/kvm', constants.R_OK | constants.W_OK);
  const detail = kvm ? '/dev/kvm can be used' : '/dev/kvm cannot be used: images boot in emulation, many times slower';
  checks.push({ ...check('kvm', kvm, detail, `sudo usermod -aG kvm ${currentUser().name}`), required: false });
  return checks;
}

function nodeVersion(): HostCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  return check(
    'node',
    ok,
    `Node ${process.versions.node}`,
    `Use Node ${MINIMUM_NODE.join('.')} or newer: run "npm ci" in the checkout and start it through npm`,
  );
}

async function programs(wanted: Readonly<Record<string, string>>, path: string): Promise<HostCheck[]> {
  return Promise.all(
    Object.entries(wanted).map(async ([name, owner]) => {
      const file = await findProgram(name, path);
      return check(`program ${name}`, file !== undefined, file ?? `${name} is not in ${path}`, installCommand(owner));
    }),
  );
}

async function subordinateIds(): Promise<HostCheck> {
  const { name } = currentUser();
  let ranges: Awaited<ReturnType<typeof ownRanges>>;
  try {
    ranges = await ownRanges();
  } catch (error) {
    if (!isIctError(error)) throw error;
    return check('subordinate ids', false, error.message, 'sudo chmod a+r /etc/subuid /etc/subgid');
  }
  const { users, groups, unowned } = ranges;
  const ok = users !== undefined && groups !== undefined;
  const detail = ok ? `${name} has subordinate user and group ids` : `${name} has no 65536 subordinate ids in /etc/subuid and /etc/subgid`;
  const range = `${unowned.first}-${unowned.first + unowned.count - 1}`;
  return check('subordinate ids', ok, detail, `sudo usermod --add-subuids ${range} --add-subgids ${range} ${name}`);
}

/** Tries a user namespace with the user's own id alone, and then, when the user has subordinate ids, with these. */
async function userNamespaces(withIds: boolean, path: string, signal: AbortSignal | undefined): Promise<HostCheck> {
  let trial = await tryProgram(['unshare', '--user', '--map-root-user', '--', 'true'], path, signal);
  if (trial.ok && withIds) trial = await tryMappedIds(path, signal);
  if (trial.ok) return check('user namespaces', true, 'A user namespace can be made', '');
  return check('user namespaces', false, trial.message, await userNamespaceRemedy());
}

/** The setting that forbids user namespaces, tightest known first. */
async function userNamespaceRemedy(): Promise<string> {
  const setting = async (name: string): Promise<string> => {
    try {
      return (await readFile(`/proc/sys/${name}`, 'utf8')).trim();
    } catch (error) {
      if (meansNo(error)) return ''; // this kernel does not have it, or does not show it
      throw error;
    }
  };
  if ((await setting('kernel/apparmor_restrict_unprivileged_userns')) === '1')
    return 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  if ((await setting('kernel/unprivileged_userns_clone')) === '0') return 'sudo sysctl -w kernel.unprivileged_userns_clone=1';
  if ((await setting('user/max_user_namespaces')) === '0') return 'sudo sysctl -w user.max_user_namespaces=15000';
  return 'Allow user namespaces in the kernel or the container that this machine runs in, or run as root';
}

/** Such a name, with what `mkdtemp` adds. */
const TRIAL_NAME = /^\.ict-host-trial-[A-Za-z0-9]{6}$/;

/** Mounts an overlay as trees do, in namespaces of its own, and deletes a directory of its lower in it. */
const OVERLAY_TRIAL = `set -eu
cd "$1"
trap 'umount -n tree || :; rm -rf lower upper work tree' EXIT
mkdir lower lower/d upper work tree
mount -n -i -t overlay -o userxattr,volatile,index=off,lowerdir=lower,upperdir=upper,workdir=work overlay tree
rm -r tree/d
mkdir tree/d`;

async function overlay(
  user: readonly string[],
  path: string,
  directory: string | undefined,
  signal: AbortSignal | undefined,
): Promise<HostCheck> {
  return inTrialPlace(directory, async (place) => {
    const namespaces = [...user, '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=KILL'];
    const argv = ['unshare', ...namespaces, '--', 'sh', '-c', OVERLAY_TRIAL, 'ict', place];
    const trial = await tryProgram(argv, path, signal);
    const base = dirname(place);
    const detail = trial.ok ? `Overlay trees work in ${base}` : `An overlay tree cannot be mounted in ${base}: ${trial.message}`;
    const remedy = 'Use Linux 5.11 or newer, and a work directory on ext4, xfs or btrfs (not NFS, not an overlay)';
    return check('overlay', trial.ok, detail, remedy);
  });
}

/**
 * Tries something in a new directory where trees will be made, or among temporary files where that takes none; it is removed afterwards, and so is
 * what killed trials left beside it.
 */
async function inTrialPlace<T>(directory: string | undefined, work: (place: string) => Promise<T>): Promise<T> {
  const base =
    directory !== undefined && (await directoryRefusal({ path: directory, wantedBytes: 0 })) === undefined
      ? await nearestExisting(directory)
      : tmpdir();
  await removeOldTrials(base);
  const place = await mkdtemp(join(base, TRIAL_PREFIX));
  try {
    return await work(place);
  } finally {
    await removeOverlay(place);
  }
}

/** What the kernel makes for a volatile overlay, with no mode at all, so that only root can remove what is below. */
const KERNELS = ['work/work', 'work/work/incompat', 'work/work/incompat/volatile'];

/** Removes what is left of an overlay trial, also of one that was killed before it did so. */
async function removeOverlay(place: string): Promise<void> {
  for (const directory of KERNELS.map((name) => join(place, name))) {
    if (await allows(directory, constants.F_OK)) await chmod(directory, 0o700);
  }
  await rm(place, { recursive: true, force: true });
}

/**
 * Removes what the current user's trials left that were killed together with their ict. One that runs has begun within the last minute. What
 * another ict is quicker to remove, or the disk lets nobody, fails no build.
 */
async function removeOldTrials(base: string): Promise<void> {
  const { uid } = currentUser();
  const names = (await allows(base, constants.R_OK)) ? await readdir(base).catch(ignoreSystemError) : [];
  for (const place of (names ?? []).filter((name) => TRIAL_NAME.test(name)).map((name) => join(base, name))) {
    const found = await lstat(place).catch(ignoreSystemError);
    if (found?.isDirectory() !== true || found.uid !== uid || found.mtimeMs > Date.now() - 2 * TRIAL_LIMIT_MS) continue;
    await removeOverlay(place).catch(ignoreSystemError);
  }
}

function readable(file: string): Promise<boolean> {
  return allows(file, constants.R_OK);
}
