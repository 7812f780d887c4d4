import { canonicalJson, digestOf } from '@ict/integrity';
import type { Digest, DistributionDefinition, Json, PackagePin, RepositorySpec } from '@ict/plugin-api';

/** What of a repository counts for a resolution, beside its state. */
export type AskedRepository = Pick<
  RepositorySpec,
  'id' | 'archive' | 'suite' | 'components' | 'priority' | 'allowPackages' | 'excludePackages' | 'cost' | 'moduleHotfixes'
>;

/** What a template asked of the package repositories, as its lock says: packages as they were named, sorted. */
export interface RequestRecord {
  readonly image: readonly string[];
  readonly tools: readonly string[];
  readonly recommends: boolean;
  readonly kernelVersion?: string;
  readonly foreignArchitectures?: readonly string[];
  readonly pins?: readonly PackagePin[];
  readonly essential: DistributionDefinition['essential'];
  readonly repositories: readonly AskedRepository[];
}

/** Names what was asked for a target. */
export function recordDigest(target: string, record: RequestRecord): Digest {
  return digestOf(canonicalJson({ ...record, target } as unknown as Json));
}

/** Whether a value has the shape of a record; that it is the one of a request says {@link recordDigest}. */
export function isRequestRecord(value: unknown): value is RequestRecord {
  if (!isMapping(value)) return false;
  const { image, tools, recommends, kernelVersion = '', foreignArchitectures = [], pins = [], essential, repositories } = value;
  const lists = [image, tools, foreignArchitectures].every(isTexts);
  const isBase = isMapping(essential) && isTexts(essential['priorities']) && isTexts(essential['packages']);
  if (!lists || !isBase || typeof recommends !== 'boolean' || typeof kernelVersion !== 'string') return false;
  return Array.isArray(pins) && pins.every(isPin) && Array.isArray(repositories) && repositories.every(isRepository);
}

function isPin(value: unknown): boolean {
  return isMapping(value) && isTexts(value['packages']) && typeof value['priority'] === 'number';
}

function isRepository(value: unknown): boolean {
  if (!isMapping(value)) return false;
  const { id, archive, suite, components, allowPackages = [], excludePackages = [] } = value;
  return [id, archive, suite].every((text) => typeof text === 'string') && [components, allowPackages, excludePackages].every(isTexts);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
