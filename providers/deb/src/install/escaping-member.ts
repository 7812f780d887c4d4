import { hasCode, isIctError } from '@ict/plugin-api';
import type { TreePath, TreeSession, VerifiedPackage } from '@ict/plugin-api';
import { debError } from '../errors.js';
import { createFileName } from '../file-name.js';
import type { FailedPackage } from './failed-package.js';

/** No rule of dpkg is against `..` in the name of a member: it follows it from the tree's root, as far as there are directories. */
function climbs(path: string): boolean {
  return path.split('/').includes('..');
}

/** Finds, in what dpkg prints, the package that it failed to unpack because a member climbs to where nothing is. */
export class FailedMember {
  #found: { readonly pkg: VerifiedPackage; readonly member: string } | undefined;

  read({ pkg, reason }: FailedPackage): void {
    // The last path is the member's own: "unable to create 'PLACE' (while processing 'MEMBER')".
    const member = [...reason.matchAll(/'([^']*)'/gu)].map(([, path]) => path).findLast(climbs);
    if (member !== undefined) this.#found ??= { pkg, member };
  }

  /** @returns what to throw in place of what ended dpkg: the same, unless such a member did. */
  errorFor(error: unknown): unknown {
    if (this.#found === undefined || !hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    return escapeError(this.#found.pkg, this.#found.member, error);
  }
}

/**
 * Looks in dpkg's database for a member that climbs of packages that were just unpacked: dpkg lists it as it is written.
 *
 * @param database directory of the database in the tree.
 * @throws `ICT_DEB_PACKAGE_ESCAPE`
 */
export async function refuseListedMembers(packages: readonly VerifiedPackage[], tree: TreeSession, database: TreePath): Promise<void> {
  const members = await Promise.all(packages.map((pkg) => listedMember(pkg, tree, `${database}/info`)));
  for (const [index, member] of members.entries()) if (member !== undefined) throw escapeError(packages[index] as VerifiedPackage, member);
}

async function listedMember({ name, arch }: VerifiedPackage, tree: TreeSession, info: TreePath): Promise<string | undefined> {
  // Packages that several architectures may have at once are listed with theirs; one whose files others took over has no list.
  const list = (await tree.read(`${info}/${name}.list`)) ?? (await tree.read(`${info}/${name}:${arch}.list`));
  if (list === undefined || !Buffer.from(list.buffer, list.byteOffset, list.byteLength).includes('/..')) return undefined;
  return new TextDecoder().decode(list).split('\n').find(climbs);
}

/** Names the package in what our own unpacking of it throws. */
export function namePackage(pkg: VerifiedPackage, error: unknown): unknown {
  if (!isIctError(error) || error.code !== 'ICT_ARCHIVE_ESCAPE') return error;
  return escapeError(pkg, String(error.facts?.['path'] ?? ''), error);
}

function escapeError(pkg: VerifiedPackage, path: string, cause?: unknown): Error {
  const member = path.slice(0, 300);
  return debError('ICT_DEB_PACKAGE_ESCAPE', {
    message: `the package file ${createFileName(pkg)} from repository "${pkg.repository}" has the member "${member}", which leads out of the root`,
    hint: `Do not use the package: no tool that makes packages writes such a member. Report it to repository "${pkg.repository}"; another version of ${pkg.name} may do.`,
    facts: { package: pkg.id, version: pkg.version, repository: pkg.repository, path: pkg.path, member },
    ...(cause === undefined ? {} : { cause }),
  });
}
