import type { IctErrorDetails, ResolvedPackage } from '@ict/plugin-api';

/** Pairs of packages that are told, and paths of each. */
const [PAIRS, PATHS] = [10, 5];
/** Characters of a path that are told. */
const PATH_LENGTH = 300;

/** A package of a conflict, as the installer names it. */
export interface ConflictingPackage {
  readonly label: string;
  /** Absent: the installer names a package that nobody asked for. */
  readonly repository?: string;
}

interface Pair {
  readonly packages: readonly [ConflictingPackage, ConflictingPackage];
  readonly paths: string[];
  count: number;
}

/** Gathers, from what an installer prints, which packages bring the same paths; of many it keeps only the first. */
export class FileConflicts {
  readonly #pairs = new Map<string, Pair>();
  #untold = 0;

  get isEmpty(): boolean {
    return this.#pairs.size === 0;
  }

  add(path: string, one: ConflictingPackage, other: ConflictingPackage): void {
    const key = `${one.label} ${other.label}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.size === PAIRS) {
        this.#untold++;
        return;
      }
      this.#pairs.set(key, (pair = { packages: [one, other], paths: [], count: 0 }));
    }
    pair.count++;
    if (pair.paths.length < PATHS) pair.paths.push(path.slice(0, PATH_LENGTH));
  }

  /** @param what the message begins with: who does not install them, and why. @returns an error without its code: a line for each pair. */
  tell(what: string): Pick<IctErrorDetails, 'message' | 'hint' | 'facts'> {
    const pairs = [...this.#pairs.values()];
    const more = this.#untold === 0 ? [] : [`${this.#untold} more paths of other packages`];
    return {
      message: [`${what}:`, ...pairs.map(tellPair), ...more].join('\n  '),
      hint: 'Leave one of two such packages out, take another version of it, or keep it out with "excludePackages" of its repository. Report it there: one of the two has to exclude or replace the other.',
      facts: {
        conflicts: pairs.map(({ packages, paths, count }) => ({ packages: packages.map((each) => ({ ...each })), paths, count })),
        untold: this.#untold,
      },
    };
  }
}

function tellPair({ packages, paths, count }: Pair): string {
  const more = count > paths.length ? ` and ${count - paths.length} more` : '';
  return `${packages.map(tellPackage).join(' and ')}: ${paths.join(', ')}${more}`;
}

function tellPackage({ label, repository }: ConflictingPackage): string {
  return repository === undefined ? label : `${label} from repository "${repository}"`;
}

/** @param label as the installer names the package, if it is known. */
export function conflictingPackage(label: string, pkg: Pick<ResolvedPackage, 'repository'> | undefined): ConflictingPackage {
  return pkg === undefined ? { label } : { label, repository: pkg.repository };
}
