import type { Architecture, Seed } from '@ict/plugin-api';
import { inSentence, tellOmission } from '@ict/package-index';
import { chooseStreams, moduleRequest } from '../metadata/module-streams.js';
import type { ActiveModules, ModuleProblem } from '../metadata/module-streams.js';
import type { Modules } from '../metadata/modules.js';

/**
 * How a stream of a module can be asked for: beside what is asked for, or in the place of another stream of that module. Tried with all
 * requests, or else with those that a problem is about.
 *
 * @returns an order to the user; undefined when it does not help.
 */
export type StreamRepair = (stream: string, involved: readonly Seed[]) => string | undefined;

/** Each takes another view of all packages, and a search. Many packages of one stream ask for the same trial, which is made once. */
const MAX_TRIALS = 8;

/**
 * @param modules of the repositories, and what requests for them stand for.
 * @param seeds all that is asked for.
 * @param solves whether seeds can be resolved while these streams count.
 */
export function streamRepairs(
  modules: Modules & ActiveModules,
  seeds: readonly Seed[],
  machine: Architecture,
  solves: (seeds: readonly Seed[], active: ActiveModules) => boolean,
): StreamRepair {
  /** Of requests that were tried together: whether they can be resolved. They name the stream, so that nothing else decides. */
  const outcomes = new Map<string, boolean>();
  const settle = (asked: readonly Seed[]): ActiveModules => chooseStreams(modules, asked.map(({ request }) => request.trim()), machine); // prettier-ignore
  /** Refused requests for modules, but those that are refused as it is. */
  const refuses = ({ requests }: ActiveModules): boolean =>
    [...requests].some(([request, answer]) => isRefused(answer) && !isRefused(modules.requests.get(request)));
  return (stream, involved) => {
    const name = moduleRequest(stream, modules)?.name;
    const rivals = seeds.filter(({ request }) => name !== undefined && moduleRequest(request.trim(), modules)?.name === name);
    // Nobody can change what the base system asks for.
    if (name === undefined || rivals.some((seed) => tellOmission(seed) === undefined)) return undefined;
    const asked: readonly Seed[] =
      rivals.length === 0
        ? [{ request: stream, reason: 'template' }]
        : rivals.map((seed) => ({ ...seed, request: withStream(seed.request.trim(), stream) }));
    const instead = (kept: readonly Seed[]): readonly Seed[] => [...kept.filter((seed) => !rivals.includes(seed)), ...asked];
    const chosen = settle(instead(seeds));
    if (refuses(chosen)) return undefined;
    const works = (kept: readonly Seed[]): boolean => {
      const all = instead(kept);
      const question = JSON.stringify(all.map(({ request }) => request));
      let outcome = outcomes.get(question);
      if (outcome === undefined && outcomes.size < MAX_TRIALS) outcomes.set(question, (outcome = solves(all, chosen)));
      return outcome === true;
    };
    if (!works(seeds) && !works(involved)) return undefined;
    return rivals.length === 0 ? `add "${stream}" to the packages` : `ask for ${named(asked)} instead of ${named(rivals)}`;
  };
}

function isRefused(answer: readonly string[] | ModuleProblem | undefined): boolean {
  return answer !== undefined && 'kind' in answer;
}

/** A request for a module with another stream of it: `@db:1/server` and `db:2` give `@db:2/server`. */
function withStream(request: string, stream: string): string {
  const profile = request.includes('/') ? request.slice(request.indexOf('/')) : '';
  return `${request.startsWith('@') ? '@' : ''}${stream}${profile}`;
}

function named(seeds: readonly Seed[]): string {
  return inSentence([...new Set(seeds.map(({ request }) => `"${request.trim()}"`))], 'and');
}
