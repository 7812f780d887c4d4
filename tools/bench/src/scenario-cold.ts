import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { serveArchive } from '@ict/fixtures';
import { alternate, type Contender } from './alternation.js';
import { LOCAL_ADDRESS, LOCAL_SUITE, makeLocalArchive, type LocalArchive } from './local-archive.js';
import type { BenchCommand } from './measurement.js';
import type { Comparison } from './report.js';
import type { Scenario, ScenarioOptions } from './scenario.js';
import { ICT } from './workspace.js';

/** Size of the root filesystem that mke2fs makes: that of the template's root partition, in MiB. */
const ROOT_MIB = 1790;

/** mmdebstrap makes the tree, mke2fs a filesystem of it; `$1` is the root, `$2` the file, the rest mmdebstrap's arguments. */
const PEER_SCRIPT = `set -e; root=$1; file=$2; shift 2; mmdebstrap "$@"; mke2fs -q -F -t ext4 -d "$root" "$file" ${ROOT_MIB}m`;

/**
 * The same packages from the same loopback server, made into a disk image by ict and into an ext4 image by mmdebstrap and mke2fs:
 * with nothing cached, with the packages cached, and then the rebuild of an unchanged template.
 */
export const cold: Scenario = async (options) => {
  await requirePrograms();
  const archive = await makeLocalArchive(options);
  const server = await serveArchive(archive.root);
  try {
    return await compare(options, archive, server.url);
  } finally {
    await server.close();
  }
};

async function compare(options: ScenarioOptions, archive: LocalArchive, url: string): Promise<readonly Comparison[]> {
  const { runs = 3, onRun, say } = options;
  const run = join(options.directory, 'run');
  const cache = join(run, 'cache');
  const ict = ictBuild(archive, run, url);
  const empty = async (): Promise<void> => {
    await rm(run, { recursive: true, force: true });
    await mkdir(run, { recursive: true });
  };
  const packagesOnly = async (): Promise<void> => {
    for (const name of ['work', 'temp']) await rm(join(run, name), { recursive: true, force: true });
    for (const name of await readdir(cache)) if (name !== 'pkgCache') await rm(join(cache, name), { recursive: true, force: true });
  };
  const mmdebstrap = peer(archive, join(options.directory, 'peer'), url);
  say('with nothing cached');
  const first = await alternate([{ name: 'ict build, nothing cached', command: ict, prepare: empty }, mmdebstrap], runs, onRun);
  say('with the packages cached');
  const second = await alternate([{ name: 'ict build, packages cached', command: ict, prepare: packagesOnly }, mmdebstrap], runs, onRun);
  say('unchanged');
  const third = await alternate(
    [
      { name: 'ict build, nothing changed', command: ict },
      { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } },
    ],
    Math.max(runs, 5),
    onRun,
  );
  return [
    { title: 'Nothing cached', results: first },
    { title: 'Only the package files cached (mmdebstrap keeps none)', results: second },
    { title: 'The same build again', results: third },
  ];
}

function ictBuild({ template, definition }: LocalArchive, run: string, url: string): BenchCommand {
  const directories = ['--cache-dir', join(run, 'cache'), '--work-dir', join(run, 'work'), '--temp-dir', join(run, 'temp')];
  const source = ['--mirror', `${LOCAL_ADDRESS}=${url}`, '--no-host-mirrors', '--distro-file', definition];
  return { argv: [ICT, 'build', template, ...directories, ...source, '--json'] };
}

function peer({ packages, keyring }: LocalArchive, directory: string, url: string): Contender {
  const [root, file] = [join(directory, 'root'), join(directory, 'root.ext4')];
  const what = ['--mode=root', '--variant=essential', '--format=directory', `--keyring=${keyring}`, `--include=${packages.join(',')}`];
  const argv = ['bash', '-c', PEER_SCRIPT, 'bash', root, file, '--quiet', ...what, LOCAL_SUITE, root, `deb ${url} ${LOCAL_SUITE} main`];
  return {
    name: 'mmdebstrap, then mke2fs -d',
    command: { argv, env: { TMPDIR: directory } },
    prepare: async () => {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
    },
  };
}

async function requirePrograms(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('this comparison runs both programs as root: start it with sudo');
  const missing: string[] = [];
  for (const [program, pkg] of [
    ['mmdebstrap', 'mmdebstrap'],
    ['mke2fs', 'e2fsprogs'],
  ] as const) {
    if (!(await onPath(program))) missing.push(pkg);
  }
  if (missing.length > 0) throw new Error(`this comparison needs ${missing.join(' and ')}: apt-get install ${missing.join(' ')}`);
}

async function onPath(program: string): Promise<boolean> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      await access(join(directory, program), constants.X_OK);
      return true;
    } catch {
      // Not in this directory: the next one may have it.
    }
  }
  return false;
}
