import type {
  Closure,
  Context,
  DistributionDefinition,
  ImageSpec,
  Json,
  PackageRelation,
  Problem,
  ProblemReport,
  Provider,
  ResolutionRequest,
  ResolvedPackage,
  Seed,
  Snapshot,
} from '@ict/plugin-api';
import { coreError } from '../errors.js';
import { KERNEL_VERSION, kernelWish } from './kernel-wish.js';
import type { Favour } from './lock-update.js';
import type { Loaded } from '../plugins/plugin-host.js';
import { requestAnswers, type RequestAnswers } from './request-answers.js';
import type { PackageRequest } from './request.js';

/** The two closures of a build: what the image contains, and what writes it. */
export interface ResolvedRequest {
  readonly packages: readonly ResolvedPackage[];
  readonly tools: readonly ResolvedPackage[];
  /** How the packages of both need each other, as far as the provider says. */
  readonly relations: readonly PackageRelation[];
  /** Which packages answer what was asked; absent when the provider does not say. */
  readonly answers?: RequestAnswers;
  readonly warnings: readonly ProblemReport[];
}

/** What is to be resolved, and where. */
export interface ResolutionInput {
  readonly request: PackageRequest;
  readonly spec: ImageSpec;
  readonly distribution: DistributionDefinition;
  readonly snapshots: readonly Snapshot[];
  /** What to keep of an earlier lock; absent: nothing. */
  readonly favour?: Favour | undefined;
}

/** Resolves a request against pinned repositories; equal questions are answered from memory. */
export async function resolveRequest(input: ResolutionInput, provider: Loaded<Provider>, ctx: Context): Promise<ResolvedRequest> {
  const { request, spec, distribution, snapshots, favour = { image: [], tools: [] } } = input;
  const arch = spec.target.arch;
  const question: Json = {
    request: request.digest,
    roots: snapshots.map((snapshot) => snapshot.root.digest),
    resolver: provider.part.resolver.version,
    quirks: (distribution.quirks ?? {}) as Json,
    code: { ...provider.identity },
    favour: favour as unknown as Json,
  };
  const known = (await ctx.memo.get('resolution', question)) as ResolvedRequest | undefined;
  if (known !== undefined) return { ...known, warnings: known.warnings.map((warning) => located(warning, spec)) };
  const image = await kernelWish(request.image, spec, snapshots, provider.part, ctx);
  const asked = { arch, distribution, snapshots };
  const packages = await closure(
    { ...asked, seeds: image.seeds, essential: true, recommends: request.recommends, favour: favour.image },
    provider.part,
    ctx,
  );
  const tools =
    request.tools.length === 0
      ? undefined
      : await closure({ ...asked, seeds: request.tools, essential: false, recommends: false, favour: favour.tools }, provider.part, ctx);
  const answers = requestAnswers(request, image.seeds, packages, tools);
  const answer: ResolvedRequest = {
    packages: packages.packages,
    tools: tools?.packages ?? [],
    ...(answers === undefined ? {} : { answers }),
    relations: [...packages.relations, ...(tools?.relations ?? [])],
    warnings: [...image.warnings(packages.packages), ...packages.warnings],
  };
  // The same question may come from another template: places are not part of the answer.
  const lasting = { ...answer, warnings: answer.warnings.map(({ position: _position, ...warning }) => warning) };
  await ctx.memo.set('resolution', question, lasting as unknown as Json);
  return answer;
}

function located(warning: ProblemReport, spec: ImageSpec): ProblemReport {
  const position = warning.code === 'ICT_KERNEL_VERSION' ? spec.positions.get(KERNEL_VERSION) : undefined;
  return position === undefined ? warning : { ...warning, position };
}

/** One closure. @throws `ICT_RESOLVE_UNSOLVABLE`. */
export async function closure(
  request: ResolutionRequest,
  provider: Provider,
  ctx: Context,
): Promise<Closure & Required<Pick<Closure, 'relations'>> & { readonly warnings: readonly ProblemReport[] }> {
  const resolution = await provider.resolver.resolve(request, ctx);
  if (resolution.kind === 'resolved') {
    const { relations = [] } = resolution.closure;
    return { ...resolution.closure, relations, warnings: resolution.warnings.map((problem) => report(problem, 'warning')) };
  }
  const problems = inOrderOf(request.seeds, resolution.problems);
  const first = problems[0]!;
  throw coreError('ICT_RESOLVE_UNSOLVABLE', {
    message: problems.length === 1 ? first.message : `the packages cannot be resolved: ${problems.length} problems`,
    hint: first.hint ?? (first.because.length === 0 ? undefined : 'Remove one of the packages that exclude each other.'),
    problems: problems.map((problem) => report(problem, 'error')),
    facts: { because: problems.flatMap((problem) => problem.because) },
  });
}

/** Problems in the order of the template's lines, then those without one. */
function inOrderOf(seeds: readonly Seed[], problems: readonly Problem[]): readonly Problem[] {
  const keyOf = ({ position }: Pick<Seed, 'position'>) => position && `${position.file}:${position.line}:${position.column}`;
  const places = new Map(seeds.map((seed, place) => [keyOf(seed), place] as const).reverse());
  const placeOf = (problem: Problem): number => (problem.position && places.get(keyOf(problem))) ?? seeds.length;
  return problems.toSorted((a, b) => placeOf(a) - placeOf(b));
}

function report(problem: Problem, severity: 'error' | 'warning'): ProblemReport {
  const { code, message, hint, position, because } = problem;
  return { code, message: [message, ...because.map((line) => `  ${line}`)].join('\n'), hint, position, severity };
}
