import type { Seed } from '@ict/plugin-api';

/** The repair where none is known. */
export const OTHER_REPOSITORIES = 'use repositories that belong together';

/** Repairs that are told. */
const MAX_REPAIRS = 3;

/** Resolves other seeds against the same repositories. @returns the number of packages, or undefined when that fails, too. */
export type Trial = (seeds: readonly Seed[]) => number | undefined;

/** A request that may do where another does not. */
export interface OtherRequest {
  readonly request: string;
  /** Whether it takes the place of a seed. */
  replaces(seed: Seed): boolean;
}

/** What a contradiction is about. */
export interface Contradiction {
  /** Seeds that take part in it, and those of the base system. */
  readonly involved: readonly Seed[];
  readonly others: readonly Seed[];
}

/**
 * What would mend a contradiction, as orders to the user, those that change least first, three at most: another request for a package keeps
 * all wishes; leaving out one wish keeps most packages, then fewer. Each of these was tried and works, with all other wishes when one does,
 * else by itself. Then comes a definition without what stands in the way, and last what cannot be tried.
 *
 * @param requests the preferred ones first.
 * @param additions such as another repository.
 * @param tried other orders, which were found to work; they come first.
 */
export function findRepairs(
  requests: readonly OtherRequest[],
  { involved, others }: Contradiction,
  trial: Trial,
  additions: readonly string[],
  tried: readonly string[] = [],
): readonly string[] {
  // A seed that stands for many packages may come with each of them.
  let repairs = workingRepairs(requests, involved, [...new Set([...involved, ...others])], trial);
  if (repairs.length === 0 && others.length > 0) repairs = workingRepairs(requests, involved, involved, trial);
  const definitions = involved.flatMap((seed) => {
    const text = tellDefinition(seed);
    return text !== undefined && trial(involved.filter((other) => other !== seed)) !== undefined ? [text] : [];
  });
  const all = [...new Set([...tried, ...repairs, ...definitions, ...additions])].slice(0, MAX_REPAIRS);
  return all.length > 0 ? all : [OTHER_REPOSITORIES];
}

/** `Ask for "b=1", or leave out "a".` */
export function tellRepairs(repairs: readonly string[]): string {
  const text = repairs.join(', or ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** @param seeds that are to be resolved, those that are involved among them. */
function workingRepairs(
  requests: readonly OtherRequest[],
  involved: readonly Seed[],
  seeds: readonly Seed[],
  trial: Trial,
): readonly string[] {
  const without = (left: readonly Seed[]): readonly Seed[] => seeds.filter((seed) => !left.includes(seed));
  const changes = requests.flatMap(({ request, replaces }) => {
    const replaced = seeds.filter((seed) => seed.request !== request && replaces(seed));
    if (trial([...without(replaced), { request, reason: 'template' }]) === undefined) return [];
    const wishes = [...new Set(replaced.filter((seed) => tellOmission(seed) !== undefined).map((seed) => `"${seed.request}"`))];
    const place = wishes.length === 0 ? '' : ` instead of ${wishes.join(' and ')}`;
    return [`ask for "${request}"${replaced.length === 0 ? ' as well' : place}`];
  });
  const omissions = Array.from(
    Map.groupBy(involved, (seed) => tellOmission(seed)),
    ([text, left]) => ({ text, size: text === undefined ? undefined : trial(without(left)) }),
  );
  const working = omissions.filter(({ size }) => size !== undefined).sort((a, b) => b.size! - a.size!);
  return [...changes, ...working.map(({ text }) => text!)];
}

/** What remains to whoever wants what the defaults exclude: no template can leave them out. */
function tellDefinition({ reason, request, byDefault }: Seed): string | undefined {
  return reason === 'template' && byDefault === true
    ? `use a definition of the distribution that does not ask for "${request}"`
    : undefined;
}

/**
 * How a user leaves out what a seed asks for; undefined for what the base system, the definition of the distribution and the tools tree need, and for what
 * `why-not` asks about: no wishes.
 */
export function tellOmission({ reason, request, byDefault }: Seed): string | undefined {
  if (reason === 'bootloader') return 'choose another boot loader';
  if (reason === 'growth') return 'let the last partition keep its size';
  if (reason === 'immutability') return 'make the image without immutability';
  if (reason === 'kernel' && byDefault === true) return 'choose another kernel';
  return byDefault === true || ['essential', 'tools', 'why-not'].includes(reason) ? undefined : `leave out "${request}"`;
}
