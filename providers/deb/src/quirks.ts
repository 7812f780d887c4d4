import type { DistributionDefinition } from '@ict/plugin-api';
import { debError } from './errors.js';

/** Facts of a deb distribution that only this provider reads: `quirks` of its definition. */
export interface DebQuirks {
  /** Packages whose files are put into an empty root so that dpkg can start there; it then installs them again. */
  readonly preExtract: readonly string[];
  /** Directories of the root that are links into /usr: `bin` for `/bin -> usr/bin`. */
  readonly usrMerge: readonly string[];
}

const KNOWN = ['preExtract', 'usrMerge'] as const;
const PACKAGE = /^[a-z0-9][a-z0-9+.-]+$/;
const DIRECTORY = /^[a-z0-9]+$/;

/**
 * Reads and checks `quirks` of a definition. An absent list is empty.
 *
 * @throws `ICT_DEB_QUIRKS_INVALID`, with every problem found.
 */
export function readQuirks(distribution: Pick<DistributionDefinition, 'dist' | 'quirks'>): DebQuirks {
  const quirks = distribution.quirks ?? {};
  const problems: string[] = [];
  for (const name of Object.keys(quirks)) {
    if (!(KNOWN as readonly string[]).includes(name)) problems.push(`"${name}" is not known; known are ${KNOWN.join(', ')}`);
  }
  const list = (name: (typeof KNOWN)[number], shape: RegExp): readonly string[] => {
    const value: unknown = quirks[name] ?? [];
    if (!Array.isArray(value)) {
      problems.push(`"${name}" is not a list`);
      return [];
    }
    const names = value.filter((item): item is string => typeof item === 'string' && shape.test(item));
    if (names.length !== value.length)
      problems.push(`"${name}" holds something that is no ${shape === PACKAGE ? 'package' : 'directory'} name`);
    if (new Set(names).size !== names.length) problems.push(`"${name}" names one thing twice`);
    return names;
  };
  const result = { preExtract: list('preExtract', PACKAGE), usrMerge: list('usrMerge', DIRECTORY) };
  if (problems.length > 0) {
    throw debError('ICT_DEB_QUIRKS_INVALID', {
      message: `quirks of distribution "${distribution.dist}" are not valid: ${problems.join('; ')}`,
      hint: 'Correct "quirks" in the distribution definition; docs/errors/ICT_DEB_QUIRKS_INVALID.md lists what deb knows.',
      facts: { dist: distribution.dist },
      problems: problems.map((message) => ({ code: 'ICT_DEB_QUIRKS_INVALID', message, severity: 'error' })),
    });
  }
  return result;
}
