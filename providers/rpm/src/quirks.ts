import type { DistributionDefinition } from '@ict/plugin-api';
import { rpmError } from './errors.js';

/** Facts of an rpm distribution that only this provider reads: `quirks` of its definition. */
export interface RpmQuirks {
  /** Packages whose files are put into an empty root before those that rpm needs: the ones that own its directories and links. */
  readonly preExtract: readonly string[];
}

const KNOWN = ['preExtract'];
const PACKAGE = /^[A-Za-z0-9_][A-Za-z0-9+._-]*$/;

/**
 * Reads and checks `quirks` of a definition. What is absent is empty.
 *
 * @throws `ICT_RPM_QUIRKS_INVALID`, with every problem found.
 */
export function readQuirks(distribution: Pick<DistributionDefinition, 'dist' | 'quirks'>): RpmQuirks {
  const { preExtract = [], ...others } = distribution.quirks ?? {};
  const problems = Object.keys(others).map((name) => `"${name}" is not known; known are ${KNOWN.join(', ')}`);
  if (!isListOf(preExtract, PACKAGE)) problems.push('"preExtract" is no list of package names');
  if (problems.length > 0) {
    throw rpmError('ICT_RPM_QUIRKS_INVALID', {
      message: `quirks of distribution "${distribution.dist}" are not valid: ${problems.join('; ')}`,
      hint: 'Correct "quirks" in the distribution definition; docs/errors/ICT_RPM_QUIRKS_INVALID.md lists what rpm knows.',
      facts: { dist: distribution.dist },
      problems: problems.map((message) => ({ code: 'ICT_RPM_QUIRKS_INVALID', message, severity: 'error' })),
    });
  }
  return { preExtract: preExtract as readonly string[] };
}

function isListOf(value: unknown, shape: RegExp): boolean {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string' && shape.test(item)) && new Set(value).size === value.length
  );
}
