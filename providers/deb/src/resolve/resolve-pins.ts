import { patternExpression } from '@ict/package-index';
import type { PackagePin, Snapshot } from '@ict/plugin-api';

/** The priority that pins give a package in a version; undefined when none fits. */
export type PinnedPriority = (name: string, version: string) => number | undefined;

/** What a repository is called by pins. */
export interface PinnedRelease {
  /** Suite, codename, version, id. */
  readonly names: readonly string[];
  readonly origin: Snapshot['root']['origin'];
}

/**
 * Reads the pins that concern a repository. As with apt the first that fits counts, one for `*` alone only where no other fits.
 *
 * @returns undefined when none concerns it.
 * @see apt_preferences(5)
 */
export function readPins(pins: readonly PackagePin[], { names, origin }: PinnedRelease): PinnedPriority | undefined {
  const rules = pins
    .filter((pin) => (pin.release === undefined || names.includes(pin.release)) && (pin.origin === undefined || pin.origin === origin))
    .map(({ packages, version, priority }) => ({
      general: packages.every((pattern) => pattern === '*'),
      names: patternExpression(packages),
      versions: version === undefined ? undefined : patternExpression([version]),
      priority,
    }));
  if (rules.length === 0) return undefined;
  const ordered = [...rules.filter(({ general }) => !general), ...rules.filter(({ general }) => general)];
  return (name, version) => ordered.find((rule) => rule.names.test(name) && rule.versions?.test(version) !== false)?.priority;
}
