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
const OBSTACLE = [
  /^error: failed to open dir (\S+) of (\/.*): (?:Not a directory|File exists)$/,
  /^error: unpacking of archive failed on file (\/.*?)(?:;[0-9a-f]+)?: cpio: File from package already exists as a directory in system$/,
] as const;
const FAILED = /^error: (\S+): install failed$/;

/** Finds, in what rpm prints, the packages that it does not install because others bring the same paths. */
export class RefusedFiles {
  readonly #conflicts = new FileConflicts();
  readonly #labels: PackageLabels<ResolvedPackage>;
  #obstacle: string | undefined;
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
    const [path, label] = [this.#obstacle, this.#obstructed];
    if (path !== undefined && label !== undefined) {
      const owner = await ownerOf(path, label, tree, env);
      if (owner !== undefined) this.#add(path, label, owner);
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

function obstacleOf(line: string): string | undefined {
  const [, name, directory] = OBSTACLE[0].exec(line) ?? [];
  // It names the part of the path that it could not open, and the whole.
  if (name !== undefined) return directory!.slice(0, `${directory}`.indexOf(`/${name}/`) + name.length + 1);
  return OBSTACLE[1].exec(line)?.[1];
}

/** @returns the package, other than the one that was to be installed, that brought a path or something below it. */
async function ownerOf(path: string, label: string, tree: TreeSession, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  let owner: string | undefined;
  const onLine = (line: string): void => {
    const at = line.indexOf(' ');
    const [name, file] = [line.slice(0, at), line.slice(at + 1)];
    if (owner === undefined && name !== label && (file === path || file.startsWith(`${path}/`))) owner = name;
  };
  await tree.run({ argv: ['rpm', '--query', '--all', '--queryformat', '[%{=NEVRA} %{FILENAMES}\\n]'], env, onLine });
  return owner;
}
