import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Contender } from './alternation.js';
import { LOCAL_ADDRESS, LOCAL_SUITE, type LocalArchive } from './local-archive.js';
import type { BenchCommand } from './measurement.js';
import type { ScenarioOptions } from './scenario.js';
import { ICT } from './workspace.js';

/** Size of the root filesystem that mke2fs makes: that of the template's root partition, in MiB. */
const ROOT_MIB = 1790;

/** mmdebstrap makes the tree, mke2fs a filesystem of it; `$1` is the root, `$2` the file, empty for none, the rest mmdebstrap's arguments. */
const PEER_SCRIPT = `set -e; root=$1; file=$2; shift 2; mmdebstrap "$@"; test -z "$file" || mke2fs -q -F -t ext4 -d "$root" "$file" ${ROOT_MIB}m`;

/** A build of the archive's template, or of the one that takes its place, with all that it keeps below `run`. */
export function ictBuild({ template, definition }: LocalArchive, run: string, url: string): BenchCommand {
  const directories = ['--cache-dir', join(run, 'cache'), '--work-dir', join(run, 'work'), '--temp-dir', join(run, 'temp')];
  const source = ['--mirror', `${LOCAL_ADDRESS}=${url}`, '--no-host-mirrors', '--distro-file', definition];
  return { argv: [ICT, 'build', template, ...directories, ...source, '--json'] };
}

/** The same packages as a tree and, unless `treeOnly`, a filesystem; nothing is kept between runs. */
export function mmdebstrap(
  { packages, keyring }: LocalArchive,
  directory: string,
  url: string,
  putAway: ScenarioOptions['putAway'],
  treeOnly = false,
): Contender {
  const [root, file] = [join(directory, 'root'), treeOnly ? '' : join(directory, 'root.ext4')];
  const what = ['--mode=root', '--variant=essential', '--format=directory', `--keyring=${keyring}`, `--include=${packages.join(',')}`];
  const argv = ['bash', '-c', PEER_SCRIPT, 'bash', root, file, '--quiet', ...what, LOCAL_SUITE, root, `deb ${url} ${LOCAL_SUITE} main`];
  return {
    name: treeOnly ? 'mmdebstrap' : 'mmdebstrap, then mke2fs -d',
    command: { argv, env: { TMPDIR: directory } },
    prepare: async () => {
      await putAway(directory);
      await mkdir(directory, { recursive: true });
    },
  };
}

/** Programs that peers need, with the packages of Debian that have them. */
const PACKAGES = { dnf: 'dnf', mke2fs: 'e2fsprogs', mmdebstrap: 'mmdebstrap', rpmkeys: 'rpm' } as const;

/** @throws when this is not root, or a program is missing. */
export async function requirePrograms(programs: readonly (keyof typeof PACKAGES)[] = ['mmdebstrap', 'mke2fs']): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('this comparison runs both programs as root: start it with sudo');
  const missing: string[] = [];
  for (const program of programs) if (!(await onPath(program))) missing.push(PACKAGES[program]);
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
