import type {
  BuildContext,
  DistributionDefinition,
  InstallChange,
  Installer,
  PackageRef,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';
import { cleanTree } from './clean.js';
import { createDeltaInstaller } from './delta.js';
import { debError } from '../errors.js';
import { FailedMember, namePackage, refuseListedMembers } from './escaping-member.js';
import { keepChoice } from './file-choice.js';
import { createFileName } from '../file-name.js';
import { failedPackage } from './failed-package.js';
import { installOrder } from './install-order.js';
import { hasPreinst } from './preinst.js';
import { readQuirks } from '../quirks.js';
import { RefusedFiles } from './refused-files.js';

/** Where the package files appear inside the tree while dpkg runs. /run is not part of the image. */
const PACKAGES = '/run/ict/packages';

/** Tells invoke-rc.d and deb-systemd-invoke that no service may start here. */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * What only people read, so that programs run without: of the packages that dpkg needs to start, two fifths of the bytes and three of five files.
 * Their directories are made all the same: one that dpkg makes itself gets another time than one that it finds.
 */
const FOR_PEOPLE = ['doc', 'info', 'locale', 'man'].map((name) => `/usr/share/${name}`);

/** dpkg's own files, as an empty database. */
const DATABASE = '/var/lib/dpkg';

/**
 * Every option that dpkg gets, by what it is run for; nothing else here names one. They shape trees: who changes one also raises
 * {@link INSTALLER_VERSION}, or a tree that the old options made is taken for one of the new.
 *
 * Versions and relations were decided by the resolver: --force-depends only lets dpkg unpack and remove inside dependency cycles.
 * A build that dies leaves no tree behind, so that nothing need be synced (--force-unsafe-io).
 */
const DPKG = {
  always: ['--status-fd=3', '--force-unsafe-io'],
  remove: ['--force-depends', '--purge'],
  unpack: ['--force-depends', '--unpack'],
  configure: ['--configure'],
  configureRest: ['--configure', '--pending'],
  audit: ['--audit'],
  addArchitecture: ['--add-architecture'],
} as const;

/** Part of the key of every tree that this installer makes. */
const INSTALLER_VERSION = 4;

/**
 * Installs with the tree's own dpkg, and with nothing else: no apt, and no second resolver.
 *
 * In an empty root, dpkg cannot start yet: the files of the few packages that it needs are put there first, and dpkg then
 * installs those packages again like all others. Everything is unpacked before anything is configured, so that pre-dependency
 * cycles of the essential set need no breaking; dpkg itself orders the configuration.
 */
export function createInstaller(): Installer {
  const delta = createDeltaInstaller(async (change, tree, distribution, ctx) => {
    await apply(change, tree, distribution, ctx);
    await cleanTree(tree, ctx);
  });
  return { version: INSTALLER_VERSION, apply, unpack, clean: cleanTree, choosesFiles: true, delta };
}

async function apply(change: InstallChange, tree: TreeSession, distribution: DistributionDefinition, ctx: BuildContext): Promise<void> {
  const order = installOrder(change.install);
  const env = environment(distribution, ctx);
  if ((await tree.stat(`${DATABASE}/status`)) === undefined) {
    await bootstrap(order, tree, distribution, ctx);
    // dpkg leaves out whole directories, too.
    if (change.fileChoice !== undefined) for (const directory of FOR_PEOPLE) await tree.remove(directory);
  }
  if (change.fileChoice !== undefined) await keepChoice(change.fileChoice, tree);
  await tree.write(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  for (const name of change.foreignArchitectures ?? []) await tree.run({ argv: dpkg('addArchitecture', name), env });
  if (change.remove.length > 0) {
    await tree.run({ argv: dpkg('remove', ...change.remove.map(dpkgName)), env });
  }
  if (order.length > 0) {
    await tree.expose(order, PACKAGES);
    const files = (await unpackOrder(order, ctx)).map((pkg) => `${PACKAGES}/${createFileName(pkg)}`);
    await unpackAll(files, change, tree, env, ctx);
    await tree.run({ argv: dpkg('configure', ...order.map(dpkgName)), env, onLine: progress('configure', order, ctx) });
  }
  // Hardly ever is anything left, as dpkg ends with the triggers of what it configures: then looking is all that is done.
  if ((await audit(tree, env)) !== undefined) {
    await tree.run({ argv: dpkg('configureRest'), env });
    const found = await audit(tree, env);
    if (found !== undefined) throw inconsistent(found);
  }
  await tree.remove(POLICY);
}

/** @throws `ICT_DEB_PACKAGE_ESCAPE`, before a script of what was unpacked configures it; `ICT_DEB_FILE_CONFLICT`; `ICT_COMMAND_FAILED`. */
async function unpackAll(
  files: readonly string[],
  { install: packages, installed = [] }: InstallChange,
  tree: TreeSession,
  env: Readonly<Record<string, string>>,
  ctx: BuildContext,
): Promise<void> {
  const [member, ofFiles] = [new FailedMember(), new RefusedFiles([...packages, ...installed])];
  const tell = progress('unpack', packages, ctx);
  const onLine: typeof tell = (line, stream) => {
    const failed = failedPackage(line, packages);
    if (failed !== undefined) for (const each of [member, ofFiles]) each.read(failed);
    tell(line, stream);
  };
  try {
    await tree.run({ argv: dpkg('unpack', ...files), env, onLine });
  } catch (error) {
    throw ofFiles.errorFor(member.errorFor(error));
  }
  await refuseListedMembers(packages, tree, DATABASE);
}

/** How dpkg names an installed package: one of architecture `all` is known under the native one. */
function dpkgName({ name, arch }: PackageRef): string {
  return arch === 'all' ? name : `${name}:${arch}`;
}

/** Packages without a preinst first: what a preinst uses is then there, whatever cycles its package is part of. */
async function unpackOrder(order: readonly VerifiedPackage[], ctx: BuildContext): Promise<readonly VerifiedPackage[]> {
  const late = await Promise.all(order.map((pkg) => hasPreinst(pkg, ctx)));
  return [...order.filter((_pkg, index) => !late[index]), ...order.filter((_pkg, index) => late[index])];
}

/** Makes an empty root able to run dpkg. */
async function bootstrap(
  order: readonly VerifiedPackage[],
  tree: TreeSession,
  distribution: DistributionDefinition,
  ctx: BuildContext,
): Promise<void> {
  const { preExtract, usrMerge } = readQuirks(distribution);
  await linkUsr(tree, usrMerge);
  for (const directory of ['info', 'updates', 'triggers', 'alternatives', 'parts']) await tree.makeDirectory(`${DATABASE}/${directory}`);
  await tree.makeDirectory('/var/log');
  await tree.write(`${DATABASE}/status`, '');
  await tree.write(`${DATABASE}/available`, '');
  const first = order.filter((pkg) => preExtract.includes(pkg.name));
  for (const [index, pkg] of first.entries()) {
    ctx.emit({ type: 'install.progress', phase: 'extract', name: pkg.name, done: index, total: first.length });
    await extractToRun(pkg, tree);
  }
}

async function unpack(packages: readonly VerifiedPackage[], tree: TreeSession, distribution: DistributionDefinition): Promise<void> {
  await linkUsr(tree, readQuirks(distribution).usrMerge);
  for (const pkg of installOrder(packages)) await extractToRun(pkg, tree);
}

/** Puts a package's files there without installing it, as far as its programs need them. */
async function extractToRun(pkg: VerifiedPackage, tree: TreeSession): Promise<void> {
  try {
    await tree.extract(pkg.twin ?? pkg.file, 'deb', '/', { without: FOR_PEOPLE });
  } catch (error) {
    throw namePackage(pkg, error);
  }
}

async function linkUsr(tree: TreeSession, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await tree.makeDirectory(`/usr/${name}`, { mode: 0o755 });
    await tree.symlink(`usr/${name}`, `/${name}`);
  }
}

function environment(distribution: DistributionDefinition, ctx: BuildContext): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    SOURCE_DATE_EPOCH: String(ctx.epochSeconds),
    ...distribution.boot.withoutInitrd,
  };
}

/**
 * A dpkg command whose status lines come with its output. They need a descriptor of their own: dpkg closes the one that it is given
 * before it runs maintainer scripts, and a script whose output is closed fails at its first `echo`.
 */
function dpkg(action: Exclude<keyof typeof DPKG, 'always'>, ...operands: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', 'exec dpkg "$@" 3>&1', 'dpkg', ...DPKG.always, ...DPKG[action], ...operands];
}

/** Turns dpkg's status lines (`processing: configure: name:arch`) into progress, and its other lines into output. */
function progress(phase: 'unpack' | 'configure', order: readonly VerifiedPackage[], ctx: BuildContext) {
  const verb = phase === 'unpack' ? 'install' : 'configure';
  const seen = new Set<string>();
  return (line: string, stream: 'stdout' | 'stderr'): void => {
    const processing = /^processing: (\w+): (.+)$/.exec(line);
    if (processing !== null) {
      const [, action, name] = processing;
      if (action !== verb || seen.has(name)) return;
      seen.add(name);
      ctx.emit({ type: 'install.progress', phase, name, done: Math.min(seen.size, order.length), total: order.length });
    } else if (!line.startsWith('status: ')) {
      ctx.emit({ type: 'command.output', stream, text: line });
    }
  };
}

/** What dpkg finds that is not installed completely, of which it says nothing when it exits; undefined where there is nothing. */
async function audit(tree: TreeSession, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { exitCode, stdout } = await tree.run({ argv: dpkg('audit'), env, accept: [0, 1] });
  return exitCode === 0 && stdout.trim() === '' ? undefined : stdout;
}

function inconsistent(audit: string): Error {
  return debError('ICT_DEB_INCONSISTENT', {
    message: 'dpkg --audit finds packages that are not installed completely',
    hint: 'A maintainer script left its package unfinished; its output above says why.',
    facts: { audit },
  });
}
