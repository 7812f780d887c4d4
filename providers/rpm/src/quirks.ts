import type { DistributionDefinition } from '@ict/plugin-api';
import { rpmError } from './errors.js';

/** Facts of an rpm distribution that only this provider reads: `quirks` of its definition. */
export interface RpmQuirks {
  /** Packages whose files are put into an empty root before those that rpm needs: the ones that own its directories and links. */
  readonly preExtract: readonly string[];
  /** What packages are called, or provide, of which an image can have several versions side by side. */
  readonly installOnly: readonly string[];
}

const KNOWN = ['preExtract', 'installOnly'];
const PACKAGE = /^[A-Za-z0-9_][A-Za-z0-9+._-]*$/;
const CAPABILITY = /^[A-Za-z0-9_][A-Za-z0-9+._-]*(?:\([A-Za-z0-9+._-]+\))?$/;

/** dnf's own list; what a definition says stands in its place. @see installonlypkgs in dnf.conf(5) */
export const INSTALL_ONLY: readonly string[] = [
  'kernel',
  'kernel-PAE',
  'installonlypkg(kernel)',
  'installonlypkg(kernel-module)',
  'installonlypkg(vm)',
  'multiversion(kernel)',
];

/**
 * Reads and checks `quirks` of a definition. Without `preExtract` nothing comes first; without `installOnly` {@link INSTALL_ONLY} holds.
 *
 * @throws `ICT_RPM_QUIRKS_INVALID`, with every problem found.
 */
export function readQuirks(distribution: Pick<DistributionDefinition, 'dist' | 'quirks'>): RpmQuirks {
  const { preExtract = [], installOnly = INSTALL_ONLY, ...others } = distribution.quirks ?? {};
  const problems = Object.keys(others).map((name) => `"${name}" is not known; known are ${KNOWN.join(', ')}`);
  if (!isListOf(preExtract, PACKAGE)) problems.push('"preExtract" is no list of package names');
  if (!isListOf(installOnly, CAPABILITY)) problems.push('"installOnly" is no list of names that packages have or provide');
  if (problems.length > 0) {
    throw rpmError('ICT_RPM_QUIRKS_INVALID', {
      message: `quirks of distribution "${distribution.dist}" are not valid: ${problems.join('; ')}`,
      hint: 'Correct "quirks" in the distribution definition; docs/errors/ICT_RPM_QUIRKS_INVALID.md lists what rpm knows.',
      facts: { dist: distribution.dist },
      problems: problems.map((message) => ({ code: 'ICT_RPM_QUIRKS_INVALID', message, severity: 'error' })),
    });
  }
  return { preExtract: preExtract as readonly string[], installOnly: installOnly as readonly string[] };
}

function isListOf(value: unknown, shape: RegExp): boolean {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string' && shape.test(item)) && new Set(value).size === value.length
  );
}
