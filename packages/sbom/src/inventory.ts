import type { BillInput, PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { sbomError } from './errors.js';

/** An installed package with where it came from. */
export interface BillPackage {
  /** `name:arch`, unique. */
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
  const resolved = new Map(input.packages.map((pkg) => [`${pkg.name}:${pkg.arch}`, pkg]));
  const seen = new Set<string>();
  return input.installed
    .map((installed): BillPackage => {
      const id = `${installed.name}:${installed.arch}`;
      if (seen.has(id)) throw inconsistent(`The package ${id} is listed twice as installed`, { package: id });
      seen.add(id);
      const known = resolved.get(id);
      if (known === undefined || known.version !== installed.version) return { id, installed };
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

/** Order by UTF-16 code units, which no locale changes. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
