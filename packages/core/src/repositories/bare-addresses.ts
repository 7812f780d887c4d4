import { bareAddress, type DistributionDefinition, type ImageSpec, type RepositorySpec } from '@ict/plugin-api';
import { isRemote } from '@ict/template';

/** A definition as all but the transport sees it. */
export interface BareDefinition {
  /** No address of its repositories has a user name or password: it gets into locks, keys, records and messages. */
  readonly distribution: DistributionDefinition;
  /** The addresses that had some, as they were. Only the transport may see them. */
  readonly credentialed: readonly string[];
}

/** Takes users and passwords out of the addresses of repositories. */
export function bareDefinition(distribution: DistributionDefinition): BareDefinition {
  const { repositories } = distribution;
  const addresses = repositories.flatMap(({ archive, metalink, mirrorlist, keyrings }) =>
    [archive, metalink, mirrorlist, ...keyrings.filter(isRemote)].filter((address) => address !== undefined),
  );
  const credentialed = [...new Set(addresses)].filter((address) => bareAddress(address) !== address);
  return {
    distribution: { ...distribution, repositories: repositories.map(bareRepository) },
    credentialed,
  };
}

function bareRepository(repository: RepositorySpec): RepositorySpec {
  const { archive, metalink, mirrorlist, keyrings } = repository;
  return {
    ...repository,
    archive: bareAddress(archive),
    keyrings: keyrings.map(bareFile),
    ...(metalink === undefined ? {} : { metalink: bareAddress(metalink) }),
    ...(mirrorlist === undefined ? {} : { mirrorlist: bareAddress(mirrorlist) }),
  };
}

/** A file, or its address where a template names one: a path may have an "@", too. */
const bareFile = (file: string): string => (isRemote(file) ? bareAddress(file) : file);

/** A specification whose repositories have no user name and password in their addresses. */
export function bareSpec(spec: ImageSpec): ImageSpec {
  return {
    ...spec,
    repositories: spec.repositories.map((one) => ({
      ...one,
      keys: one.keys.map(bareFile),
      ...(one.url === undefined ? {} : { url: bareAddress(one.url) }),
      ...(one.packages === undefined ? {} : { packages: one.packages.map(bareFile) }),
    })),
  };
}
