import { canonicalJson, digestOf } from '@ict/integrity';
import type { Architecture, DistributionDefinition, ProblemReport, Provider } from '@ict/plugin-api';
import type { Plan } from './plan-documents.js';
import type { StorageSwitches } from '../cache-use.js';
import type { PackageQuestion } from '../engine-api.js';
import { withForeign } from '../templates/foreign-architectures.js';
import { pinnedRepositories, type Lock } from '../locks/lock.js';
import { pinRepositories } from '../repositories/pinning.js';
import { planContent, planOf } from './plan.js';
import type { Loaded } from '../plugins/plugin-host.js';
import { closure } from '../locks/resolution.js';
import type { Services } from '../services.js';

/** The target of a question without template. */
export interface QuestionTarget {
  readonly target: string;
  readonly arch: Architecture;
  /** With the repositories that the question chooses. */
  readonly distribution: DistributionDefinition;
  readonly provider: Loaded<Provider>;
}

/**
 * Resolves just these names into an empty root: no essential set, no template, no lock. What the package cache has counts where it is used.
 *
 * @throws `ICT_RESOLVE_UNSOLVABLE`, and what repositories report.
 */
export async function planPackages(
  question: PackageQuestion,
  { target, arch, distribution, provider }: QuestionTarget,
  { packageCache }: Pick<StorageSwitches, 'packageCache'>,
  services: Services,
): Promise<{ readonly plan: Plan; readonly warnings: readonly ProblemReport[] }> {
  const { only, recommends = false, foreignArchitectures } = question;
  const { context } = services;
  const { repositories } = withForeign(distribution, foreignArchitectures === undefined ? {} : { foreignArchitectures });
  const snapshots = await pinRepositories(repositories, arch, provider.part, services.mirrors, context);
  const seeds = only.map((request) => ({ request, reason: 'question' }));
  const asked = { arch, distribution, snapshots, seeds, essential: false, recommends };
  const { packages, warnings } = await closure(asked, provider.part, context);
  const lock: Lock = {
    lockVersion: 1,
    target,
    request: digestOf(canonicalJson({ only, recommends, ...(foreignArchitectures === undefined ? {} : { foreignArchitectures }) })),
    repositories: pinnedRepositories(snapshots),
    plugins: {},
    packages,
    tools: [],
  };
  const content = await planContent(lock, services.packages(lock, provider.part, { use: packageCache.enabled }), context.signal);
  return { plan: planOf(lock, content, []), warnings };
}
