import { rpmError } from '../errors.js';
import { parseEvr } from '../relations/evr.js';
import type { Evr } from '../relations/evr.js';
import type { Header } from './header.js';
import { EQUAL, GREATER, LESS } from '../relations/relation.js';
import type { RelationSense } from '../relations/relation.js';

/** A dependency as the header of a package has it. */
export interface PackageRelation {
  /** A name, a path, or a boolean dependency: `(a if b)`. */
  readonly name: string;
  /** A sum of `LESS`, `EQUAL` and `GREATER`; 0 for all versions. */
  readonly sense: RelationSense;
  readonly evr: Evr | undefined;
  /** All flags, such as those that say for which scriptlet it is needed. See `RELATION_FLAG`. */
  readonly flags: number;
}

/** The parts of a package's own version. @throws `ICT_RPM_HEADER_INVALID` for parts that no version can have. */
export function parsePackageEvr(epoch: number | undefined, version: string, release: string): Evr {
  if (/[-:]/.test(version) || /[-:]/.test(release)) throw invalid(`its version is "${version}" and its release "${release}"`);
  return { epoch: epoch ?? 0, version, release };
}

/**
 * Dependencies of one kind, in the order of the header.
 *
 * @throws `ICT_RPM_HEADER_INVALID` when names, versions and flags do not match.
 */
export function readRelations(
  header: Header,
  [nameTag, versionTag, flagsTag]: readonly [number, number, number],
): readonly PackageRelation[] {
  const names = header.strings(nameTag);
  const versions = header.strings(versionTag);
  const flags = header.numbers(flagsTag);
  // Packages of rpm before 4.0 have provides without versions.
  const complete = (count: number): boolean => count === names.length || count === 0;
  if (!complete(versions.length) || !complete(flags.length)) {
    throw invalid(`it has ${names.length} names, ${versions.length} versions and ${flags.length} flags of one kind of dependency`);
  }
  return names.map((name, i) => {
    const all = flags[i] ?? 0;
    const sense = all & (LESS | GREATER | EQUAL);
    const version = versions[i] ?? '';
    if (sense === 0 || version === '') return { name, sense: 0, evr: undefined, flags: all };
    return { name, sense, evr: parseEvr(version), flags: all };
  });
}

function invalid(reason: string): Error {
  return rpmError('ICT_RPM_HEADER_INVALID', {
    message: `The header of the package is damaged or hostile: ${reason}`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { part: 'header', reason },
  });
}
