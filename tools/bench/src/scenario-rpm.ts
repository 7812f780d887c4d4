import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BOOTABLE_TEMPLATE, bootableFlags, bootableRequests, dnfInstallation, serveArchive, type BootableArchive } from '@ict/fixtures';
import { alternate, type Contender, type Runs } from './alternation.js';
import { requirePrograms } from './builders.js';
import { measure } from './measurement.js';
import { rpmArchive } from './rpm-archive.js';
import type { Scenario, ScenarioOptions } from './scenario.js';
import { ICT } from './workspace.js';

/** More of the template's `systemConfig`: a command that fails, so that the build ends when all packages are installed. */
const STOP = '  configurations:\n    - cmd: exit 1\n';
/** Exit status of a build of which a command failed. */
const COMMAND_FAILED = 8;

/**
 * The rpm test distribution: its image's packages as a tree, by ict and by dnf from one loopback server, with nothing cached and with metadata and
 * packages cached.
 */
export const rpm: Scenario = async (options) => {
  await requirePrograms(['dnf']);
  const archive = await rpmArchive(options);
  const server = await serveArchive(archive.repository);
  try {
    const [cold, warm] = await trees(options, archive, server.url);
    return [
      { title: 'A tree, nothing cached', results: cold },
      { title: 'A tree, metadata and packages cached', results: warm },
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
