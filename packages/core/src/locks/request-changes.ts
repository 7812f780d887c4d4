import { canonicalJson } from '@ict/integrity';
import { withoutCredentials, type ImageSpec, type Json, type PackagePin, type ProblemReport, type SourcePosition } from '@ict/plugin-api';
import { repositoryKey } from '../repositories/repository-places.js';
import { seedName } from './request-spelling.js';
import type { PackageRequest } from './request.js';
import type { AskedRepository, RequestRecord } from './request-record.js';

/** Where a template says what it asks for. */
export type RequestPlaces = Pick<ImageSpec, 'positions' | 'repositories'>;

/** One thing that is asked for in another way than before. */
type Change = Pick<ProblemReport, 'message' | 'position'>;

/** What a template asks for in another way than when its lock was made, each at its line: packages first, in their order. */
export function requestChanges(before: RequestRecord, request: PackageRequest, places: RequestPlaces): readonly ProblemReport[] {
  const now = request.record;
  const at = (path: string): SourcePosition | undefined => places.positions.get(path);
  const changes: readonly Change[] = [
    ...packageChanges(before.image, request),
    ...toolChanges(before.tools, now.tools),
    ...valueChange('systemConfig.recommends', before.recommends, now.recommends, at('systemConfig.recommends')),
    ...valueChange('systemConfig.kernel.version', before.kernelVersion, now.kernelVersion, at('systemConfig.kernel.version')),
    ...valueChange(
      'target.foreignArchitectures',
      before.foreignArchitectures,
      now.foreignArchitectures,
      at('target.foreignArchitectures[0]') ?? at('target.foreignArchitectures'),
    ),
    ...pinChanges(before.pins ?? [], now.pins ?? [], at),
    ...repositoryChanges(before.repositories, now.repositories, places),
    ...valueChange('the base set of the distribution', before.essential, now.essential),
  ];
  return changes.map(({ message, position }) => ({
    code: 'ICT_LOCK_OUTDATED',
    message,
    severity: 'error',
    ...(position === undefined ? {} : { position }),
  }));
}

function packageChanges(before: readonly string[], { image, record }: PackageRequest): readonly Change[] {
  const gone = before.filter((request) => !record.image.includes(request));
  const instead = (request: string): string | undefined => gone.find((other) => seedName(other) === seedName(request));
  const added = image.filter(({ request }) => !before.includes(request));
  const replaced = new Set(added.map(({ request }) => instead(request)));
  return [
    ...added.map(({ request, position, reason }): Change => {
      const other = instead(request);
      const asking = reason === 'template' ? '' : ` (${reason})`;
      const message =
        other === undefined
          ? `"${request}"${asking} is asked for, and was not when the lock was made`
          : `"${request}"${asking} is asked for; the lock was made for "${other}"`;
      return { message, ...(position === undefined ? {} : { position }) };
    }),
    ...gone.filter((request) => !replaced.has(request)).map((request) => ({ message: `"${request}" is not asked for any more` })),
  ];
}

/** Which programs write the image follows from its disk and its partitions; no line names them. */
function toolChanges(before: readonly string[], now: readonly string[]): readonly Change[] {
  return [
    ...now.filter((name) => !before.includes(name)).map((name) => ({ message: `writing the image takes "${name}" now` })),
    ...before.filter((name) => !now.includes(name)).map((name) => ({ message: `writing the image does not take "${name}" any more` })),
  ];
}

function pinChanges(
  before: readonly PackagePin[],
  now: readonly PackagePin[],
  at: (path: string) => SourcePosition | undefined,
): readonly Change[] {
  return Array.from({ length: Math.max(before.length, now.length) }, (_, i) =>
    valueChange(
      `packagePins[${i}]`,
      before[i] && tellPin(before[i]),
      now[i] && tellPin(now[i]),
      at(`packagePins[${i}]`) ?? at('packagePins'),
    ),
  ).flat();
}

/** `bash tar of release backports: priority 700`. */
function tellPin({ packages, version, release, origin, priority }: PackagePin): string {
  const parts = Object.entries({ version, release, origin }).flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value}`]));
  return `${packages.join(' ')}${parts.length === 0 ? '' : ` of ${parts.join(', ')}`}: priority ${priority}`;
}

const RULES = ['archive', 'suite', 'components', 'priority', 'allowPackages', 'excludePackages', 'cost', 'moduleHotfixes'] as const;
/** What a template calls them, where it has another name. */
const KEYS: Readonly<Partial<Record<(typeof RULES)[number], string>>> = { archive: 'url', suite: 'codename', components: 'component' };

function repositoryChanges(before: readonly AskedRepository[], now: readonly AskedRepository[], places: RequestPlaces): readonly Change[] {
  const known = new Map(before.map((repository) => [repository.id, repository]));
  const own = places.repositories.filter(({ url }) => url !== undefined);
  const changes = now.flatMap((repository, number): readonly Change[] => {
    const { id } = repository;
    const old = known.get(id);
    // Those of the template come last, in its order: several may have one address and suite.
    const place = repositoryKey(own[number - (now.length - own.length)] ?? {}, places.positions);
    const at = (key: string): SourcePosition | undefined => places.positions.get(`${place}.${key}`) ?? places.positions.get(`${place}`);
    if (old === undefined) return [told(`repository "${id}" is asked for, and was not when the lock was made`, at('codename'))];
    return RULES.flatMap((rule) => valueChange(`${rule} of repository "${id}"`, old[rule], repository[rule], at(KEYS[rule] ?? rule)));
  });
  const gone = before.filter(({ id }) => !now.some((repository) => repository.id === id));
  const all = [...changes, ...gone.map(({ id }) => told(`repository "${id}" is not asked for any more`))];
  const order = (list: readonly AskedRepository[]): string => list.map(({ id }) => id).join(', ');
  return all.length > 0 ? all : valueChange('the order of the repositories', order(before), order(now));
}

/** Nothing, or what a value is now and what it was. An empty list is no list. */
function valueChange(what: string, before: unknown, now: unknown, position?: SourcePosition): readonly Change[] {
  const [old, own] = [tell(before), tell(now)];
  // Records of earlier versions may have passwords in addresses.
  return old === own ? [] : [told(`${what} is ${own}; the lock was made with ${withoutCredentials(old, () => '***')}`, position)];
}

/** Equal values alike: a lock file has fields in an order of its own. */
function tell(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'not set';
  return typeof value === 'string' ? value : canonicalJson(value as Json);
}

function told(message: string, position?: SourcePosition): Change {
  return position === undefined ? { message } : { message, position };
}
