import type {
  Digest,
  DistributionDefinition,
  ImageFormat,
  ImageSpec,
  ProviderId,
  RepositorySpec,
  RequestedPackage,
  RequiredPackage,
  Seed,
} from '@ict/plugin-api';
import { recordDigest, type RequestRecord } from './request-record.js';

/** What a template asks of the package repositories: all that resolution depends on besides the repositories' state. */
export interface PackageRequest {
  readonly target: ProviderId;
  readonly repositories: readonly RepositorySpec[];
  readonly image: readonly Seed[];
  readonly tools: readonly Seed[];
  readonly recommends: boolean;
  /** All that counts, as a lock file has it. */
  readonly record: RequestRecord;
  /** Names the request in a lock file: a lock fits a template when their requests are equal. */
  readonly digest: Digest;
  /** Names it in locks of earlier versions, which name directories by where they lay; absent where there are none. */
  readonly earlierDigest?: Digest;
}

/** `{os}-{dist}-{arch}`: names directories of caches and work trees. */
export function providerId(target: ImageSpec['target']): ProviderId {
  return `${target.os}-${target.dist}-${target.arch}` as ProviderId;
}

/** Gathers the seeds of an image and of the tools that write it. */
export function packageRequest(spec: ImageSpec, distribution: DistributionDefinition, format: ImageFormat): PackageRequest {
  const { system } = spec;
  const { foreignArchitectures } = spec.target;
  const seed =
    (reason: string) =>
    ({ name, position, byDefault }: RequestedPackage): Seed => ({
      request: name,
      reason,
      ...(position === undefined ? {} : { position }),
      ...(byDefault === true ? { byDefault } : {}),
    });
  const image: Seed[] = [
    ...system.packages.map(seed('template')),
    ...system.kernel.packages.map(seed('kernel')),
    ...format.requires(spec, distribution).map(required),
  ];
  const tools: Seed[] = format
    .tools(spec)
    .flatMap((capability) => distribution.tools.packages[capability] ?? [])
    .map((name) => ({ request: name, reason: 'tools' }));
  const target = providerId(spec.target);
  const { repositories } = distribution;
  const { version: kernelVersion } = system.kernel;
  const recordWith = (nameOf: (repository: RepositorySpec) => string): RequestRecord => ({
    repositories: repositories.map((repository) => {
      const { id, suite, components, priority, allowPackages, excludePackages, cost, moduleHotfixes } = repository;
      return {
        id,
        archive: nameOf(repository),
        suite,
        components,
        ...(priority === undefined ? {} : { priority }),
        ...(allowPackages === undefined ? {} : { allowPackages }),
        ...(excludePackages === undefined ? {} : { excludePackages }),
        ...(cost === undefined ? {} : { cost }),
        ...(moduleHotfixes === true ? { moduleHotfixes } : {}),
      };
    }),
    essential: { priorities: distribution.essential.priorities, packages: distribution.essential.packages },
    image: requests(image),
    tools: requests(tools),
    recommends: system.recommends,
    ...(kernelVersion === undefined ? {} : { kernelVersion }),
    ...(spec.pins === undefined ? {} : { pins: spec.pins }),
    ...(foreignArchitectures === undefined ? {} : { foreignArchitectures }),
  });
  const record = recordWith(recordedArchive);
  const earlier = repositories.some(({ recordedAs }) => recordedAs !== undefined) ? recordWith(({ archive }) => archive) : undefined;
  return {
    target,
    repositories,
    image,
    tools,
    recommends: system.recommends,
    record,
    digest: recordDigest(target, record),
    ...(earlier === undefined ? {} : { earlierDigest: recordDigest(target, earlier) }),
  };
}

/** What locks call the archive of a repository: the same on every machine. */
export function recordedArchive({ archive, recordedAs = archive }: Pick<RepositorySpec, 'archive' | 'recordedAs'>): string {
  return recordedAs;
}

/** What a format names without a reason is for the boot loader. */
function required(asked: string | RequiredPackage): Seed {
  if (typeof asked === 'string') return { request: asked, reason: 'bootloader' };
  const { name, reason, position } = asked;
  return { request: name, reason, ...(position === undefined ? {} : { position }) };
}

/** Sorted and without doubles: the order in a template does not change what is asked. */
function requests(seeds: readonly Seed[]): readonly string[] {
  return [...new Set(seeds.map((seed) => seed.request))].sort();
}
