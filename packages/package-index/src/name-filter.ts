import { patternExpression } from './name-pattern.js';

/** Names that a repository may give, as patterns. */
export interface NameFilter {
  /** The only ones; empty for all. */
  readonly allow?: readonly string[];
  /** None of these, whatever `allow` says. */
  readonly exclude?: readonly string[];
}

/** @returns whether a name passes a filter. */
export function nameFilter({ allow = [], exclude = [] }: NameFilter): (name: string) => boolean {
  const allowed = allow.length === 0 ? undefined : patternExpression(allow);
  const excluded = exclude.length === 0 ? undefined : patternExpression(exclude);
  return (name) => allowed?.test(name) !== false && excluded?.test(name) !== true;
}

/** Why a name does not pass the filter of a repository, as the end of a sentence; undefined when it does. */
export function tellFiltered(name: string, { allow = [], exclude = [] }: NameFilter, repository: string): string | undefined {
  const pattern = exclude.find((each) => !nameFilter({ exclude: [each] })(name));
  if (pattern !== undefined) return `"excludePackages" of repository "${repository}" names it${pattern === name ? '' : ` as "${pattern}"`}`;
  return nameFilter({ allow })(name) ? undefined : `"allowPackages" of repository "${repository}" does not name it`;
}
