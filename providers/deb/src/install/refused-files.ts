import { conflictingPackage, FileConflicts } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import type { ResolvedPackage, VerifiedPackage } from '@ict/plugin-api';
import { debError } from '../errors.js';
import type { FailedPackage } from './failed-package.js';

/** What dpkg says of a file that another package has: of whatever content, and whether it is the same package of another architecture. */
const CONFLICT =
  /^trying to overwrite (?:'(.*)', which is also in package (\S+) (\S+)|directory '(.*)' in package (\S+) (\S+) with nondirectory|shared '(.*)', which is different from other instances of package \S+)$/u;

/** Finds, in what dpkg prints, the packages that it does not unpack because others have their files. */
export class RefusedFiles {
  readonly #conflicts = new FileConflicts();
  readonly #packages: readonly ResolvedPackage[];

  /** @param packages those that are unpacked, and those that are there already. */
  constructor(packages: readonly ResolvedPackage[]) {
    this.#packages = packages;
  }

  read({ pkg, reason }: FailedPackage): void {
    const match = CONFLICT.exec(reason);
    if (match === null) return;
    const [, file, owner, version, directory, directoryOwner, directoryVersion, shared] = match;
    const path = file ?? directory ?? shared!;
    this.#conflicts.add(path, tell(pkg), this.#owner(pkg, owner ?? directoryOwner, version ?? directoryVersion));
  }

  /** @returns what to throw in place of what ended dpkg: the same, unless packages were refused for their files. */
  errorFor(error: unknown): unknown {
    if (this.#conflicts.isEmpty || !hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    const told = this.#conflicts.tell('dpkg does not unpack packages that bring files of others');
    return debError('ICT_DEB_FILE_CONFLICT', { ...told, cause: error });
  }

  /** @param qualified name of the other package, with an architecture where dpkg finds that it needs one; undefined for the same of another architecture. */
  #owner(pkg: VerifiedPackage, qualified: string | undefined, version: string | undefined) {
    const [name, arch] = qualified?.split(':') ?? [pkg.name];
    const others = this.#packages.filter((each) => each.name === name && each.id !== pkg.id && (arch === undefined || each.arch === arch));
    const owner = others.find((each) => version === undefined || each.version === version);
    return owner === undefined ? conflictingPackage([qualified ?? pkg.name, version].join(' ').trim(), undefined) : tell(owner);
  }
}

function tell(pkg: ResolvedPackage) {
  return conflictingPackage(`${pkg.name}:${pkg.arch} ${pkg.version}`, pkg);
}
