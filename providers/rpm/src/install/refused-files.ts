import { conflictingPackage, FileConflicts } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import type { ResolvedPackage, TreeSession } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import type { PackageLabels } from './package-labels.js';

/** What rpm says, before it installs anything, of files that two packages have with different contents, types, modes or owners. */
const CONFLICT = [
  /^\s*file (\/.*) conflicts between attempted installs of (\S+) and (\S+)$/,
  /^\s*file (\/.*) from install of (\S+) conflicts with file from package (\S+)$/,
] as const;

/** What rpm says when it finds something else than a directory on the way to a file, or a directory in the place of one: it only compares files. */
const ON_THE_WAY = /^error: failed to open dir (\S+) of (\/.*): (?:Not a directory|File exists)$/;
const IN_THE_PLACE =
  /^error: unpacking of archive failed on file (\/.*?)(?:;[0-9a-f]+)?: cpio: File from package already exists as a directory in system$/;
const FAILED = /^error: (\S+): install failed$/;

/** Finds, in what rpm prints, the packages that it does not install because others bring the same paths. */
export class RefusedFiles {
  readonly #conflicts = new FileConflicts();
  readonly #labels: PackageLabels<ResolvedPackage>;
  #obstacle: Obstacle | undefined;
  #obstructed: string | undefined;

  /** @param labels of all that is installed, also before. */
  constructor(labels: PackageLabels<ResolvedPackage>) {
    this.#labels = labels;
  }

  /** @param line of rpm's output, in the order in which it comes. */
  read(line: string): void {
    const [, path, one, other] = CONFLICT.map((pattern) => pattern.exec(line)).find((match) => match !== null) ?? [];
    if (path !== undefined) this.#add(path, one!, other!);
    else if (this.#obstructed === undefined) {
      this.#obstacle ??= obstacleOf(line);
      if (this.#obstacle !== undefined) this.#obstructed = FAILED.exec(line)?.[1];
    }
  }

  /**
   * @param tree in which rpm ended: it says who brought what is in the way.
   * @returns what to throw in place of what ended rpm: the same, unless packages were refused for their files.
   */
  async errorFor(error: unknown, tree: TreeSession, env: Readonly<Record<string, string>>): Promise<unknown> {
    if (!hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    const [obstacle, label] = [this.#obstacle, this.#obstructed];
    if (obstacle !== undefined && label !== undefined) {
      const found = await findOwner(obstacle, label, tree, env);
      if (found !== undefined) this.#add(found.path, label, found.owner);
    }
    if (this.#conflicts.isEmpty) return error;
    const told = this.#conflicts.tell(
      'rpm does not install packages that bring the same paths with different contents, types, modes or owners',
    );
    return rpmError('ICT_RPM_FILE_CONFLICT', { ...told, cause: error });
  }

  #add(path: string, one: string, other: string): void {
    const [first, second] = [one, other].map((label) => conflictingPackage(label, this.#labels.find(label)));
    this.#conflicts.add(path, first!, second!);
  }
}

/** Tells of what a package has whether it is in the way. @param mode as `ls` prints it. @returns the path at which it is. */
type Obstacle = (mode: string, path: string) => string | undefined;

function obstacleOf(line: string): Obstacle | undefined {
  const [, name, whole] = ON_THE_WAY.exec(line) ?? [];
  // The part of the path that is no directory has this name, and others may have it, too.
  if (whole !== undefined)
    return (mode, path) => (!mode.startsWith('d') && path.endsWith(`/${name}`) && `${whole}/`.startsWith(`${path}/`) ? path : undefined);
  const place = IN_THE_PLACE.exec(line)?.[1];
  return place === undefined ? undefined : (_mode, path) => (`${path}/`.startsWith(`${place}/`) ? place : undefined);
}

/** @returns the package, other than the one that was to be installed, that brought an obstacle. */
async function findOwner(
  obstacle: Obstacle,
  label: string,
  tree: TreeSession,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly owner: string; readonly path: string } | undefined> {
  let found: { readonly owner: string; readonly path: string } | undefined;
  const onLine = (line: string): void => {
    const [, owner, mode, file] = /^(\S+) (\S+) (.*)$/.exec(line) ?? [];
    if (found !== undefined || file === undefined || owner === label) return;
    const path = obstacle(mode!, file);
    if (path !== undefined) found = { owner: owner!, path };
  };
  await tree.run({ argv: ['rpm', '--query', '--all', '--queryformat', '[%{=NEVRA} %{FILEMODES:perms} %{FILENAMES}\\n]'], env, onLine });
  return found;
}
