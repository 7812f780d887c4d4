import { execFile } from 'node:child_process';
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HeldMounts } from '@ict/fixtures';

const run = promisify(execFile);

/** Over /usr lies a file system in which a mark stands for each hidden path: what is marked is not there, by whatever path it is asked for. */
const HIDE = `
mount -t tmpfs -o mode=755 none "$1"
mkdir "$1/upper" "$1/work"
while read -r path; do
  mkdir -p "$1/upper\${path%/*}"
  mknod "$1/upper$path" c 0 0
done < "$2"
mount -t overlay -o "lowerdir=/usr,upperdir=$1/upper/usr,workdir=$1/work" overlay /usr`;

/** A view of this machine without the programs and libraries of some of its packages. */
export interface HiddenPackages {
  /** What is not there, as absolute paths. */
  readonly paths: readonly string[];
  /** Where they are not there; whoever asked for it closes it. */
  readonly mounts: HeldMounts;
}

/**
 * Hides what Debian packages of this machine have in directories of programs and libraries. For everybody else they stay.
 *
 * @param patterns names of packages, as dpkg-query understands them; each must have a match.
 * @param directory receives a list, and what is mounted.
 */
export async function hidePackages(patterns: readonly string[], directory: string): Promise<HiddenPackages> {
  const { stdout: known } = await run('dpkg-query', ['--show', '--showformat', '${db:Status-Abbrev}${binary:Package}\n', ...patterns]);
  const packages = known.split('\n').flatMap((line) => (line.startsWith('ii ') ? [line.slice(3).trim()] : []));
  const { stdout: listed } = await run('dpkg-query', ['--listfiles', ...packages], { maxBuffer: 16 * 1024 ** 2 });
  const programs = [...new Set(listed.split('\n'))].filter((path) => /^\/usr\/(?:s?bin|lib|libexec)\//.test(path));
  const isDirectory = await Promise.all(programs.map(async (path) => (await lstat(path)).isDirectory()));
  const paths = programs.filter((_, index) => isDirectory[index] === false);
  const place = join(directory, 'view');
  const list = join(directory, 'hidden.txt');
  await mkdir(place, { recursive: true });
  await writeFile(list, paths.map((path) => `${path}\n`).join(''));
  return { paths, mounts: await HeldMounts.hold(HIDE, place, list) };
}
