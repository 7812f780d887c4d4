import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  BOOTABLE_DIRECTORY,
  BOOTABLE_TEMPLATE,
  bootableArchive,
  bootableFlags,
  bootableRequests,
  dnfInstallation,
  serveArchive,
  type BootableArchive,
} from '@ict/fixtures';
import { formatEvr, readRpm } from '@ict/provider-rpm';
import { alternate, type Contender, type Runs } from './alternation.js';
import { requirePrograms } from './builders.js';
import { bundledProgram } from './bundled-program.js';
import { measure } from './measurement.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario, ScenarioOptions } from './scenario.js';
import { ICT } from './workspace.js';

/** More of the template's `systemConfig`: a command that fails, so that the build ends when all packages are installed. */
const STOP = '  configurations:\n    - cmd: exit 1\n';
/** Exit status of a build of which a command failed. */
const COMMAND_FAILED = 8;

const run = promisify(execFile);

/**
 * The rpm test distribution: its image's packages as a tree, by ict and by dnf from one loopback server, with nothing cached and with metadata and
 * packages cached; and all its packages verified by ict and by rpm.
 */
export const rpm: Scenario = async (options) => {
  await requirePrograms(['dnf', 'rpmkeys']);
  const ict = (args: readonly string[]) => measure({ argv: [ICT, ...args] });
  const archive = await bootableArchive({
    ict,
    cacheDirectory: join(options.directory, 'debian'),
    flags: options.firstBuild,
    directory: BOOTABLE_DIRECTORY,
    say: options.say,
  });
  const server = await serveArchive(archive.repository);
  try {
    const [cold, warm] = await trees(options, archive, server.url);
    return [
      { title: 'A tree, nothing cached', results: cold },
      { title: 'A tree, metadata and packages cached', results: warm },
      { title: 'All packages verified', results: await verification(options, archive) },
    ];
  } finally {
    await server.close();
  }
};

async function trees(
  options: ScenarioOptions,
  archive: BootableArchive,
  url: string,
): Promise<readonly [readonly Runs[], readonly Runs[]]> {
  const { runs = 3, onRun, putAway, say, directory } = options;
  const ict = join(directory, 'ict');
  const cache = join(ict, 'cache');
  const directories = ['--cache-dir', cache, '--work-dir', join(ict, 'work'), '--temp-dir', join(ict, 'temp')];
  const template = join(directory, 'to-the-tree.yml');
  await writeFile(template, `${await readFile(BOOTABLE_TEMPLATE, 'utf8')}${STOP}`);
  const build = [ICT, 'build', template, ...bootableFlags(archive, url), ...directories, '--json'];
  const ours = (prepare: () => Promise<void>): Contender => ({
    name: 'ict build, to the tree',
    command: { argv: ['bash', '-c', `"$@"; test $? = ${COMMAND_FAILED}`, 'bash', ...build] },
    prepare,
  });
  const emptyOurs = async (): Promise<void> => {
    await putAway(ict);
    await mkdir(ict, { recursive: true });
  };
  const withoutTrees = async (): Promise<void> => {
    for (const made of ['work', 'temp', 'cache/.ict/layers', 'cache/.ict/index/steps']) await putAway(join(ict, made));
  };

  const peer = join(directory, 'dnf');
  const { argv, env, root } = await dnfInstallation(await bootableRequests(), { address: url, keyring: archive.keyring }, peer);
  const theirs = (prepare: () => Promise<void>): Contender => ({ name: 'dnf --installroot', command: { argv, env }, prepare });
  const emptyTheirs = () => putAway(root);
  const withTheirCache = async (): Promise<void> => {
    const kept = join(peer, 'kept');
    const inRoot = join(root, 'var', 'cache', 'dnf');
    await rm(kept, { recursive: true, force: true });
    await rename(inRoot, kept);
    await emptyTheirs();
    await mkdir(join(root, 'var', 'cache'), { recursive: true });
    await rename(kept, inRoot);
  };

  // Not counted: the compiled code of the command is kept from then on, as dnf's is.
  await emptyOurs();
  await measure(ours(emptyOurs).command);
  say('with nothing cached');
  const cold = await alternate([ours(emptyOurs), theirs(emptyTheirs)], runs, onRun);
  say('with metadata and packages cached');
  const warm = await alternate([ours(withoutTrees), theirs(withTheirCache)], runs, onRun);
  return [cold, warm];
}

/** Headers read, digests and signatures checked; rpm has imported the key before. */
async function verification({ runs = 3, onRun, say, directory }: ScenarioOptions, archive: BootableArchive): Promise<readonly Runs[]> {
  const packages = join(archive.repository, 'Packages');
  const files = (await readdir(packages)).sort().map((name) => join(packages, name));
  const known = files.map(async (path) => {
    const { name, evr, arch } = await readRpm(path);
    return { id: `${name}:${arch}`, name, version: formatEvr(evr), arch, path };
  });
  const list = join(directory, 'packages.json');
  await writeFile(list, JSON.stringify(await Promise.all(known)));
  const database = join(directory, 'keys');
  await rm(database, { recursive: true, force: true });
  await run('rpmkeys', ['--dbpath', database, '--import', archive.keyring]);
  say(`verifying ${files.length} packages`);
  const program = await bundledProgram('verify-rpms', { worker: new URL('./worker.js', import.meta.resolve('@ict/verify')).href });
  const env = { NODE_COMPILE_CACHE: join(directory, 'compiled') };
  const ours = (where: 'pool' | 'local') => ({ argv: [...nodeOfIct(), program, archive.keyring, list, where], env });
  for (const where of ['pool', 'local'] as const) await measure(ours(where)); // the compiled code is kept from then on
  const contenders = [
    { name: 'ict, one worker', command: ours('pool') },
    { name: "ict, the caller's thread", command: ours('local') },
    { name: 'rpm -K', command: { argv: ['rpmkeys', '--dbpath', database, '--checksig', ...files] } },
  ];
  return alternate(contenders, Math.max(runs, 5), onRun);
}
