import type {
  BuildContext,
  Context,
  DistributionDefinition,
  FileChoice,
  InstallChange,
  Installer,
  PackageRef,
  ResolvedPackage,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';
import { bootstrap } from './bootstrap.js';
import { cleanTree } from './clean.js';
import { choiceMacros, keepChoice } from './file-choice.js';
import { createFileName } from '../file-name.js';
import { readRpm } from '../package/package.js';
import { extractPayloads } from '../package/payload-tar.js';
import { readQuirks } from '../quirks.js';
import { PackageLabels } from './package-labels.js';
import { RefusedDependencies } from './refused-dependencies.js';
import { RefusedFiles } from './refused-files.js';
import { failedScriptlet, RefusedInstallation } from './refused-installation.js';

/** Where the package files appear inside the tree while rpm runs. /run is not part of the image. */
const PACKAGES = '/run/ict/packages';

/**
 * Every option that rpm gets, by what it is run for; nothing else here names one. They shape trees: who changes one also raises
 * {@link INSTALLER_VERSION}, or a tree that the old options made is taken for one of the new.
 *
 * Signatures were checked against the keys of each repository, which are not in the tree (--nosignature). Plugins speak with daemons of a
 * running system, and none runs here (--noplugins). Dependencies stay on: rpm's own check must agree with the resolver. Packages that own
 * the directories where kernel file systems are mounted cannot change their modes and owners, and device nodes are no part of an image:
 * rpm neither writes nor verifies what lies there (_netsharedpath). Every byte of a package was verified before it came here, so that rpm need not
 * read all of them once more before it begins (_pkgverify_level); the digests of headers and of each file that it unpacks it checks all the same.
 */
const OPTIONS = {
  always: ['--nosignature', '--noplugins', '--define', '_netsharedpath /proc:/sys:/dev'],
  install: ['--install', '--verbose', '--define', '_pkgverify_level none'],
  remove: ['--erase', '--allmatches'],
} as const;

/** Part of the key of every tree that this installer makes. */
const INSTALLER_VERSION = 5;

/**
 * Installs with the tree's own rpm, and with nothing else: no dnf, and no second resolver.
 *
 * In an empty root rpm cannot start yet: the files that rpm and everything that it needs take to run are put there first, and rpm then installs those
 * packages again like all others, which makes the database and runs their scriptlets. rpm orders the packages itself, by their Requires(pre)
 * and its own rules for cycles, in one transaction.
 */
export function createInstaller(): Installer {
  return { version: INSTALLER_VERSION, apply, unpack, clean: cleanTree, choosesFiles: true };
}

async function apply(change: InstallChange, tree: TreeSession, distribution: DistributionDefinition, ctx: BuildContext): Promise<void> {
  const quirks = readQuirks(distribution);
  const packages = change.install.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const env = environment(distribution, ctx);
  if (packages.length > 0 && (await tree.stat('/usr/bin/rpm')) === undefined) await bootstrap(packages, quirks.preExtract, tree, ctx);
  if (change.remove.length > 0) {
    await tree.run({
      argv: ['rpm', ...OPTIONS.always, ...OPTIONS.remove, ...change.remove.map(installedName)],
      env,
    });
  }
  if (packages.length === 0) return;
  await tree.expose(packages, PACKAGES);
  const files = packages.map((pkg) => `${PACKAGES}/${createFileName(pkg)}`);
  const labels = new PackageLabels([...(change.installed ?? []), ...packages]);
  const refused = [new RefusedInstallation(labels), new RefusedDependencies(labels), new RefusedFiles(labels)] as const;
  const tell = progress(labels, packages.length, ctx);
  try {
    await tree.run({
      argv: ['rpm', ...OPTIONS.always, ...OPTIONS.install, ...choices(change.fileChoice), ...files],
      env,
      onLine: (line, stream) => {
        for (const each of refused) each.read(line);
        tell(line, stream);
      },
    });
  } catch (error) {
    const [installation, dependencies, ofFiles] = refused;
    throw await ofFiles.errorFor(dependencies.errorFor(installation.errorFor(error)), tree, env);
  }
  if (change.fileChoice !== undefined) await keepChoice(change.fileChoice, tree);
}

/** As rpm finds one installed package: without a version all of the name. rpm takes no epoch here. */
function installedName({ name, version, arch }: PackageRef): string {
  return version === undefined ? `${name}.${arch}` : `${name}-${version.replace(/^\d+:/, '')}.${arch}`;
}

function choices(fileChoice: FileChoice = {}): readonly string[] {
  return choiceMacros(fileChoice).flatMap((macro) => ['--define', macro]);
}

async function unpack(
  packages: readonly VerifiedPackage[],
  tree: TreeSession,
  distribution: DistributionDefinition,
  ctx: Context,
): Promise<void> {
  const { preExtract } = readQuirks(distribution);
  const first = preExtract.flatMap((name) => packages.filter((pkg) => pkg.name === name));
  const sorted = packages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  // One at a time: a tools tree is large, and would lie in an archive once more.
  for (const { file } of new Set([...first, ...sorted])) await extractPayloads([await readRpm(file, { signal: ctx.signal })], tree, ctx);
}

function environment(distribution: DistributionDefinition, ctx: BuildContext): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(ctx.epochSeconds),
    ...distribution.boot.withoutInitrd,
  };
}

/** What rpm says when it gives a file to root, without the bits that let others act as its owner. */
const UNKNOWN_OWNER = /^warning: ((?:user|group) \S+) does not exist - using root$/;

/**
 * Turns the names that rpm prints into progress, scriptlets that fail without stopping rpm and owners that do not exist into warnings, and the
 * rest into output.
 */
function progress(labels: PackageLabels<ResolvedPackage>, total: number, ctx: BuildContext) {
  const seen = new Set<string>();
  const unknownOwners = new Set<string>();
  return (line: string, stream: 'stdout' | 'stderr'): void => {
    const name = labels.find(line.trim())?.name;
    if (name !== undefined) {
      seen.add(name);
      ctx.emit({ type: 'install.progress', phase: 'unpack', name, done: Math.min(seen.size, total), total });
      return;
    }
    const owner = UNKNOWN_OWNER.exec(line)?.[1];
    if (owner !== undefined) {
      // rpm says it of each file.
      if (!unknownOwners.has(owner)) {
        ctx.emit({
          type: 'warning',
          code: 'ICT_RPM_OWNER_UNKNOWN',
          message: `files of packages belong to ${owner}, which does not exist: rpm gives them to root`,
          hint: 'The package that makes it has to be among the packages of the template, and installed before.',
        });
      }
      unknownOwners.add(owner);
      return;
    }
    if (failedScriptlet(line) === 'passed over') {
      ctx.emit({
        type: 'warning',
        code: 'ICT_RPM_SCRIPTLET_FAILED',
        message: `rpm says: ${line.trim()}`,
        hint: 'The package is installed; what its scriptlet should have done is not. Run with --verbose to see what it printed.',
      });
      return;
    }
    ctx.emit({ type: 'command.output', stream, text: line });
  };
}
