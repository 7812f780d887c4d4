import { tellFiltered } from '@ict/package-index';
import { architectureRank } from '../architecture.js';
import { formatEvr } from '../relations/evr.js';
import type { Pool } from './resolve-pool.js';

/** A package that a repository has and that may not be taken. */
export interface Withheld {
  readonly solvable: number;
  /** Why, as the end of a sentence about the package. */
  readonly because: string;
  /** What would let it in, as an order to the user; or the streams of a module that have it, of which one may help. */
  readonly repair: string | { readonly streams: readonly string[] };
}

/** What would let a package in, as orders to the user; of streams those that were tried and work. */
export function repairsFor({ repair }: Withheld, tryStream: (stream: string) => string | undefined): readonly string[] {
  return typeof repair === 'string' ? [repair] : repair.streams.flatMap((stream) => tryStream(stream) ?? []);
}

/**
 * Packages of a name, or that provide it, that are kept out: by the lists of a repository, by modules, or by a repository with a higher
 * priority that has the name.
 */
export function withheldOf(name: string, pool: Pool): readonly Withheld[] {
  return pool.missedBy(name).flatMap((solvable) => {
    const reason = reasonOf(solvable, pool);
    return reason === undefined ? [] : [{ solvable, ...reason }];
  });
}

/** `nginx 1.26-3.x86_64 is not taken: "excludePackages" of repository "main" names it`. */
export function tellWithheld({ solvable, because }: Withheld, pool: Pool): string {
  return `${label(solvable, pool)} is not taken: ${because}`;
}

/** `nginx 1.26-3.x86_64`, and `nginx-doc 1.26-3` of a package for all architectures. */
export function label(solvable: number, pool: Pool): string {
  const { name, evr, arch } = pool.package(solvable);
  return `${name} ${formatEvr(evr)}${arch === 'noarch' ? '' : `.${arch}`}`;
}

/** @returns undefined for a package of another architecture: that is no rule of the template. */
function reasonOf(solvable: number, pool: Pool): Omit<Withheld, 'solvable'> | undefined {
  const { name, arch } = pool.package(solvable);
  const { id, filter, hidden } = pool.repository(solvable);
  if (architectureRank(arch, pool.machine) === undefined) return undefined;
  const filtered = tellFiltered(name, filter, id);
  if (filtered !== undefined) return { because: filtered, repair: `let ${label(solvable, pool)} be taken` };
  const hiding = hidden?.get(pool.placeOf(solvable));
  if (hiding === undefined) {
    const best = pool.repository(pool.all(name)[0]!).id;
    return {
      because: `repository "${best}", which has a higher priority than "${id}", has ${name}, too`,
      repair: `give repository "${id}" the priority of "${best}"`,
    };
  }
  const { streams, instead, name: ofModule = name } = hiding;
  if (streams.length === 0) {
    return {
      because: `module ${instead}, which is enabled, has its own ${ofModule}`,
      repair: `set "moduleHotfixes" of repository "${id}" in the definition`,
    };
  }
  const other = instead === undefined ? '' : `; ${instead} is`;
  return { because: `it is in module ${streams.join(' and ')}, which is not enabled${other}`, repair: { streams } };
}
