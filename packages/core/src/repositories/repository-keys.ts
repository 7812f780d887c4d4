import { bareAddress, type DistributionDefinition, type ImageSpec, type ProblemReport, type SourcePosition } from '@ict/plugin-api';
import { isRemote } from '@ict/template';
import { coreError } from '../errors.js';
import { repositoryPlace } from './repository-places.js';

/** Says of which repositories of a template the key is fetched without a fingerprint that pins it: only a lock may do that then. */
export function unpinnedKeys({ repositories, positions }: Pick<ImageSpec, 'repositories' | 'positions'>): readonly ProblemReport[] {
  return repositories.flatMap((repository): readonly ProblemReport[] => {
    const addresses = repository.keys.filter(isRemote);
    if (addresses.length === 0 || repository.fingerprints !== undefined) return [];
    const place = repositoryPlace(repository, positions);
    const position = place?.keys ?? place?.whole;
    return [
      {
        code: 'ICT_REPOSITORY_KEY_UNPINNED',
        message: `the key of repository "${repository.codename}" is fetched from ${addresses.map(bareAddress).join(' and ')}, and no fingerprint pins it`,
        hint: 'Whoever controls that address would say what is trusted. `ict lock` tells the line with "fingerprints" that is missing.',
        severity: 'error',
        ...(position === undefined ? {} : { position }),
      },
    ];
  });
}

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
