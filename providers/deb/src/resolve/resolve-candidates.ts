import type { FavouredPackage, Seed } from '@ict/plugin-api';
import { RelatedSolvables } from './resolve-relations.js';
import type { PoolRepository } from './resolve-solvables.js';
import { compareDebVersions } from '../relations/version.js';

const NONE: readonly number[] = Object.freeze([]);

/**
 * Solvables of which, for each name and architecture, one package is *offered*, as apt's candidate: of the repository with the highest
 * priority, which pins may give it, there the highest version, of equal versions the first. A request for a version or a suite changes what is offered.
 */
export class Candidates extends RelatedSolvables {
  /** By name and architecture. */
  readonly #all = new Map<string, readonly number[]>();
  readonly #pinned = new Map<string, readonly number[]>();
  readonly #pinners = new Map<string, readonly Seed[]>();
  readonly #beside = new Map<string, readonly number[]>();
  readonly #favoured: ReadonlyMap<string, string | undefined>;

  /** @param favour packages of an earlier answer: their versions come before candidates. */
  constructor(repositories: readonly PoolRepository[], arch: string, foreign: readonly string[], favour: readonly FavouredPackage[]) {
    super(repositories, arch, foreign);
    this.#favoured = new Map(favour.map(({ name, version }) => [name, version]));
  }

  #key(name: string, arch: string): string {
    return arch === this.arch ? name : `${name}:${arch}`;
  }

  /** All packages of this name and architecture, the one that apt would take first. */
  all(name: string, arch = this.arch): readonly number[] {
    const place = this.architectures.indexOf(arch);
    if (place < 0) return NONE;
    const key = this.#key(name, arch);
    let all = this.#all.get(key);
    if (all === undefined) this.#all.set(key, (all = this.#findAll(name, place)));
    return all;
  }

  #findAll(name: string, place: number): readonly number[] {
    let found: readonly number[] = NONE;
    for (let number = 0; number < this.repositories.length; number++) {
      const { pins, priority } = this.repositories[number]!;
      const named = this.named(number, name, place);
      const here = pins === undefined && priority >= 0 ? named : named.filter((solvable) => this.priorityOf(solvable) >= 0);
      found = found.length === 0 ? here : [...found, ...here];
    }
    // The sort is stable: of equal versions the first stays first.
    return found.length < 2
      ? found
      : found.toSorted((a, b) => this.priorityOf(b) - this.priorityOf(a) || compareDebVersions(this.version(b), this.version(a)));
  }

  /** What pins say of the package, else what is said of its repository. */
  priorityOf(solvable: number): number {
    const { pins, priority } = this.repository(solvable);
    return pins?.(this.name(solvable), this.version(solvable)) ?? priority;
  }

  /** Which packages of a name and architecture are offered, the preferred one first. */
  protected choose(name: string, arch: string): readonly number[] {
    const all = this.all(name, arch);
    if (this.#pinned.size === 0) return this.#candidates(name, all);
    const key = this.#key(name, arch);
    const pinned = this.#pinned.get(key);
    if (pinned !== undefined) return pinned;
    const beside = this.#beside.get(key) ?? NONE;
    return beside.length === 0 ? this.#candidates(name, all) : [...new Set([...this.#candidates(name, all), ...beside])];
  }

  /** The architecture that a name alone means: the native one, or the first other that has such a package, as with apt. */
  preferredArchitecture(name: string): string {
    return this.architectures.find((arch) => this.all(name, arch).length > 0) ?? this.arch;
  }

  /** apt's candidate, and before it the version of an earlier answer. */
  #candidates(name: string, all: readonly number[]): readonly number[] {
    const candidate = all.length < 2 ? all : all.slice(0, 1);
    if (this.#favoured.size === 0) return candidate;
    const kept = this.#favoured.get(name);
    const found = kept === undefined ? undefined : all.find((solvable) => this.version(solvable) === kept);
    return found === undefined ? candidate : [...new Set([found, ...candidate])];
  }

  /** Whether there is an earlier answer. */
  protected get hasFavoured(): boolean {
    return this.#favoured.size > 0;
  }

  /** The same packages, those of an earlier answer first. */
  favouredFirst(solvables: readonly number[]): readonly number[] {
    if (!this.hasFavoured || solvables.length < 2) return solvables;
    const isFavoured = (solvable: number): boolean => this.#favoured.has(this.name(solvable));
    return [...solvables.filter(isFavoured), ...solvables.filter((solvable) => !isFavoured(solvable))];
  }

  /** Offers one more package instead of the candidate of its name. Only before anything is looked up. */
  pin(solvable: number, seed: Seed): void {
    const key = this.#key(this.name(solvable), this.archOf(solvable));
    this.#pinned.set(key, [...new Set([...(this.#pinned.get(key) ?? []), solvable])]);
    this.#pinners.set(key, [...this.pinnersOf(this.name(solvable), this.archOf(solvable)), seed]);
  }

  /** The seeds that ask for one version of a name, so that no other is offered. */
  pinnersOf(name: string, arch = this.arch): readonly Seed[] {
    return this.#pinners.get(this.#key(name, arch)) ?? [];
  }

  /** Offers one more package after the candidate of its name, unless a version of that is asked for. Only before anything is looked up. */
  offerBeside(solvable: number): void {
    const key = this.#key(this.name(solvable), this.archOf(solvable));
    this.#beside.set(key, [...(this.#beside.get(key) ?? []), solvable]);
  }
}
