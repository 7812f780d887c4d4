import type { DistributionDefinition, ProblemReport, SourcePosition } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** The definition with these keyrings for the repositories that name none; the others trust what they did. */
export function withKeyrings(distribution: DistributionDefinition, keyrings: readonly string[]): DistributionDefinition {
  const repositories = distribution.repositories.map((one) => (one.keyrings.length > 0 ? one : { ...one, keyrings }));
  return { ...distribution, repositories };
}

/** Says which repositories have no key to check them by, if there are any; `position` is where the distribution was asked for. */
export function missingKeys(distribution: DistributionDefinition, position?: SourcePosition): readonly ProblemReport[] {
  const without = distribution.repositories.filter(({ keyrings }) => keyrings.length === 0).map(({ id }) => id);
  if (without.length === 0) return [];
  return [
    {
      code: 'ICT_DISTRO_KEYS_MISSING',
      message: `the definition of ${distribution.title} brings no keys for ${without.join(', ')}`,
      hint: 'Give --keyring FILE with the OpenPGP keyring of its vendor, from a source that you trust.',
      severity: 'error',
      ...(position === undefined ? {} : { position }),
    },
  ];
}

/**
 * @param named who names the repositories: their definition, or a question about archives of its own.
 * @throws `ICT_DISTRO_KEYS_MISSING`: a repository that nothing vouches for is not read.
 */
export function requireKeys(distribution: DistributionDefinition, named: 'definition' | 'archives' = 'definition'): void {
  const [problem] = missingKeys(distribution);
  if (problem === undefined) return;
  const { message, hint = '' } = problem;
  const ways = named === 'definition' ? hint : OF_ARCHIVES;
  throw coreError('ICT_DISTRO_KEYS_MISSING', { message, hint: ways, facts: { dist: distribution.dist } });
}

const OF_ARCHIVES =
  'Give --repo-key FILE with the OpenPGP keyring of the archives that --repo names, or --keyring FILE for all repositories without keys. Archives without signatures are not read.';
