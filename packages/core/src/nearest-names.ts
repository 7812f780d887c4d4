import { editDistance } from '@ict/template';

/** How many names a hint offers. */
const OFFERED = 3;

/** A hint that offers the names most like a mistyped one; undefined when none is like it. */
export function didYouMean(wanted: string, names: Iterable<string>): string | undefined {
  const near = nearestNames(wanted, names);
  return near.length === 0 ? undefined : `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?`;
}

/** At most three names within a third of the wanted one's length, and at most three edits, nearest first. */
export function nearestNames(wanted: string, names: Iterable<string>): readonly string[] {
  const bound = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)));
  return [...new Set(names)]
    .filter((name) => Math.abs(name.length - wanted.length) <= bound)
    .map((name) => ({ name, distance: editDistance(wanted, name) }))
    .filter(({ distance }) => distance <= bound)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, OFFERED)
    .map(({ name }) => name);
}
