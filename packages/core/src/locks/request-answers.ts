import { answersOf } from '@ict/package-index';
import type { Closure, ResolvedPackage, Seed } from '@ict/plugin-api';
import type { PackageRequest } from './request.js';

/** By request, as the template or the image names it: the ids of the packages that were taken for it, sorted. */
type Answers = Readonly<Record<string, readonly string[]>>;

/** Which packages of a lock answer what was asked: without it nothing tells of a package that nothing else requires that it is gone. */
export interface RequestAnswers {
  readonly image: Answers;
  readonly tools: Answers;
  /** Ids of the base set of the distribution, sorted. */
  readonly essential: readonly string[];
}

/**
 * @param seeds of the image as they were resolved, in the order of the request: a wish for a kernel names its version there.
 * @param tools absent when writing the image takes none.
 * @returns undefined when the provider does not say it.
 */
export function requestAnswers(
  request: Pick<PackageRequest, 'image' | 'tools'>,
  seeds: readonly Seed[],
  image: Closure,
  tools: Closure | undefined,
): RequestAnswers | undefined {
  if (image.answers === undefined || (tools !== undefined && tools.answers === undefined)) return undefined;
  return {
    image: answersTo(request.image, seeds, image.answers),
    tools: answersTo(request.tools, request.tools, tools?.answers ?? {}),
    essential: image.packages.filter(isEssential).map(({ id }) => id),
  };
}

/** A request that nothing was taken for, such as a group without members, has none. */
function answersTo(asked: readonly Seed[], resolved: readonly Seed[], answers: Answers): Answers {
  const taken = asked.flatMap(({ request }, place) =>
    (answers[resolved[place]!.request] ?? []).map((id): readonly [string, string] => [request, id]),
  );
  return { ...Object.fromEntries(asked.map(({ request }) => [request, []])), ...answersOf(taken) };
}

function isEssential({ requestedBy }: ResolvedPackage): boolean {
  return requestedBy.includes('essential');
}
