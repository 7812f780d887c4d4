import { compareText } from '@ict/integrity';
import type { BillInput, PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { sbomError } from './errors.js';

/** An installed package with where it came from. */
export interface BillPackage {
  /** As in the lock; of what the lock does not know `name:arch`, with `=version` where another package has that. Unique. */
  readonly id: string;
  readonly installed: BillInput['installed'][number];
  /** The lock's package of the same version; undefined when a command of the template installed or replaced it. */
  readonly resolved?: ResolvedPackage;
  /** The repository that it came from; there when `resolved` is. */
  readonly repository?: PinnedRepository;
}

/**
 * What the tree says is installed, joined with what the lock says of it. Sorted by id.
 *
 * @throws `ICT_SBOM_INPUT` when two installed packages have one id, or a package names a repository that the build does not have.
 */
export function joinPackages(input: BillInput): readonly BillPackage[] {
  const repositories = new Map(input.repositories.map((repository) => [repository.id, repository]));
  const resolved = new Map(input.packages.map((pkg) => [versionOf(pkg), pkg]));
  const seen = new Set<string>();
  const taken = new Set(input.installed.flatMap((installed) => resolved.get(versionOf(installed))?.id ?? []));
  return input.installed
    .toSorted((a, b) => compareText(versionOf(a), versionOf(b)))
    .map((installed): BillPackage => {
      const version = versionOf(installed);
      if (seen.has(version)) throw inconsistent(`The package ${version} is listed twice as installed`, { package: version });
      seen.add(version);
      const known = resolved.get(version);
      const qualified = `${installed.name}:${installed.arch}`;
      const id = known?.id ?? (taken.has(qualified) ? version : qualified);
      taken.add(id);
      if (known === undefined) return { id, installed };
      const repository = repositories.get(known.repository);
      if (repository === undefined)
        throw inconsistent(`The package ${id} comes from "${known.repository}", which is no repository of the build`, {
          package: id,
          repository: known.repository,
        });
      return { id, installed, resolved: known, repository };
    })
    .sort((a, b) => compareText(a.id, b.id));
}

function versionOf({ name, arch, version }: BillInput['installed'][number] | ResolvedPackage): string {
  return `${name}:${arch}=${version}`;
}

/** RFC 3339 in UTC, whole seconds: `2023-11-14T22:13:20Z`. */
export function formatTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** A document's bytes: indented, with a final line break. */
export function renderJson(document: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}

function inconsistent(message: string, facts: Readonly<Record<string, unknown>>): Error {
  return sbomError('ICT_SBOM_INPUT', { message, hint: 'This is a fault of ICT or of a plugin: please report it.', facts });
}
