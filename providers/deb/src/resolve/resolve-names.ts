import type { Provided } from '../relations/relation.js';

/** A name of packages, and what a pool has looked up of it so far. */
export class PackageName {
  readonly text: string;
  /** By repository: its number there, -1 when no package of it has or provides the name. */
  readonly numbers: (number | undefined)[] = [];
  /** By place of an architecture: packages of that name, and those that are offered, the preferred one first. */
  readonly all: (readonly number[] | undefined)[] = [];
  readonly offered: (readonly number[] | undefined)[] = [];
  /** Offered packages of all architectures. */
  anywhere: readonly number[] | undefined = undefined;
  /** Offered packages that provide the name, in order of preference. */
  providers: readonly Provider[] | undefined = undefined;

  constructor(text: string) {
    this.text = text;
  }
}

/** A package, and what it provides under some name. */
export interface Provider {
  readonly solvable: number;
  readonly provisions: readonly Provided[];
}
