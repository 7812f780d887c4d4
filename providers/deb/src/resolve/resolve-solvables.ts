import { nameFilter } from '@ict/package-index';
import type { PackagesIndex } from '../metadata/packages-index.js';
import type { PinnedPriority } from './resolve-pins.js';

/** apt's pin of an ordinary repository. */
export const DEFAULT_PRIORITY = 500;

/** A repository as the resolver sees it. */
export interface PoolRepository {
  readonly id: string;
  /** Names by which `name/suite` may mean it: suite, codename, version, id. */
  readonly suites: readonly string[];
  /** apt's pin: a higher one wins over a higher version; below 0 nothing is taken. */
  readonly priority: number;
  /** Priorities of single packages in place of that. */
  readonly pins?: PinnedPriority | undefined;
  /** The only names that are taken from it; `*` stands for any characters. Absent or empty: all. */
  readonly allow?: readonly string[];
  /** Names of packages that are never taken from it. */
  readonly exclude?: readonly string[];
  readonly index: PackagesIndex;
}

/**
 * The packages of all repositories as solvables, numbered from 1: repository after repository, in the order of their indexes.
 *
 * Packages of architectures that nobody asked for are not seen. `all` counts as native.
 */
export class Solvables {
  readonly count: number;
  /** Debian's name of the native architecture. */
  readonly arch: string;
  /** All that may be installed, the native one first. */
  readonly architectures: readonly string[];
  readonly repositories: readonly PoolRepository[];
  /** By repository: number of solvables before it. */
  readonly #bases: readonly number[];
  /** By solvable: number of its repository, which is asked for more often than anything else. */
  readonly #owners: Uint16Array;
  /** By repository: whether a name may be taken from it; undefined where all may. */
  readonly #allowed: readonly (((name: string) => boolean) | undefined)[];
  /** By repository and architecture of its index: place among `architectures`, or -1 when such packages are not seen. */
  readonly #seen: readonly Int32Array[];

  /** @param foreign architectures beside the native one, the preferred one first. */
  constructor(repositories: readonly PoolRepository[], arch: string, foreign: readonly string[]) {
    this.repositories = repositories;
    this.arch = arch;
    this.architectures = [arch, ...foreign];
    const bases: number[] = [];
    let count = 0;
    for (const { index } of repositories) {
      bases.push(count);
      count += index.count;
    }
    this.#bases = bases;
    this.count = count;
    this.#owners = new Uint16Array(count + 1);
    bases.forEach((base, repository) => this.#owners.fill(repository, base + 1));
    this.#allowed = repositories.map((repository) => {
      const { allow = [], exclude = [] } = repository;
      return allow.length + exclude.length === 0 ? undefined : nameFilter(repository);
    });
    this.#seen = repositories.map(({ index }) =>
      Int32Array.from(index.architectures, (each) => this.architectures.indexOf(each === 'all' ? arch : each)),
    );
  }

  /** Number of the repository that has a solvable. */
  repositoryNumber(solvable: number): number {
    return this.#owners[solvable]!;
  }

  /** The index that describes a solvable. */
  indexOf(solvable: number): PackagesIndex {
    return this.repositories[this.repositoryNumber(solvable)]!.index;
  }

  /** The number of a solvable in its index. */
  rowOf(solvable: number): number {
    return solvable - this.#bases[this.repositoryNumber(solvable)]! - 1;
  }

  repository(solvable: number): PoolRepository {
    return this.repositories[this.repositoryNumber(solvable)]!;
  }

  /** The index that describes a solvable, and its number there. */
  locate(solvable: number): { readonly index: PackagesIndex; readonly at: number } {
    const number = this.repositoryNumber(solvable);
    return { index: this.repositories[number]!.index, at: solvable - this.#bases[number]! - 1 };
  }

  name(solvable: number): string {
    return this.indexOf(solvable).name(this.rowOf(solvable));
  }

  version(solvable: number): string {
    return this.indexOf(solvable).version(this.rowOf(solvable));
  }

  /** The architecture whose relations a package has: that of a package of `all` is the native one. */
  archOf(solvable: number): string {
    if (this.architectures.length === 1) return this.arch;
    return this.architectures[this.#place(this.repositoryNumber(solvable), this.rowOf(solvable))]!;
  }

  /** `name:arch`: unique among what can be installed together. */
  id(solvable: number): string {
    const index = this.indexOf(solvable);
    const at = this.rowOf(solvable);
    return `${index.name(at)}:${index.arch(at)}`;
  }

  /** As people write it: `name`, or `name:arch` of another architecture than the native one. */
  title(solvable: number): string {
    const arch = this.archOf(solvable);
    return arch === this.arch ? this.name(solvable) : `${this.name(solvable)}:${arch}`;
  }

  /** Every solvable of a repository that may be installed here, in the order of its index. */
  *members(repository: number): Generator<number> {
    const { index } = this.repositories[repository]!;
    const allowed = this.#allowed[repository]!;
    for (let at = 0; at < index.count; at++) {
      if (this.#place(repository, at) >= 0 && allowed?.(index.name(at)) !== false) yield this.#bases[repository]! + at + 1;
    }
  }

  /** Whether any repository has packages of an architecture. */
  has(arch: string): boolean {
    return this.repositories.some(({ index }) => index.architectures.includes(arch));
  }

  /** Packages of a name and an architecture in one repository that may be taken from it, in the order of its index. */
  protected named(repository: number, name: string, place: number): readonly number[] {
    if (this.#allowed[repository]?.(name) === false) return [];
    const base = this.#bases[repository]! + 1;
    return Array.from(this.repositories[repository]!.index.byName(name))
      .filter((at) => this.#place(repository, at) === place)
      .map((at) => base + at);
  }

  /** By architecture of an index: place among `architectures`, or -1 when such packages are not seen. */
  protected seenIn(repository: number): Int32Array {
    return this.#seen[repository]!;
  }

  /** Place among `architectures` of what a package counts for; -1 when it may not be installed here. */
  #place(repository: number, at: number): number {
    return this.#seen[repository]![this.repositories[repository]!.index.architectureAt(at)]!;
  }
}
