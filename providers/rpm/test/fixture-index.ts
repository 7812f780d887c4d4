import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const FIXTURES = join(import.meta.dirname, 'fixtures');

/** A line of the list of fixtures: what rpm 4.18 says of a package. */
export interface FixtureRow {
  readonly path: string;
  readonly signatures: string;
  /** As `rpm -K` prints it with all keys imported; capitals say what is wrong. */
  readonly verdict: string;
}

/** The packages that are here, in the order of the list. */
export function fixtureRows(): readonly FixtureRow[] {
  return readFileSync(join(FIXTURES, 'INDEX.tsv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .map(([path, , , , , signatures, verdict]) => ({ path: path!, signatures: signatures!, verdict: verdict! }))
    .filter(({ path }) => existsSync(join(FIXTURES, path)));
}

export function packagePaths(): readonly string[] {
  return fixtureRows().map(({ path }) => path);
}
