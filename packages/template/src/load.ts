import type { DistributionDefinition, ImageSpec, ProblemReport } from '@ict/plugin-api';
import { templateError } from './errors.js';
import { buildSpec } from './image-spec.js';
import { type MergedTemplate, mergeTemplates, type TemplateLayer } from './merge.js';
import type { Path } from './path.js';
import { orderProblems, problem, summarize } from './problem.js';
import { reporter } from './report.js';
import type { Template } from './schema/template.js';
import { readChain } from './template-chain.js';
import { checkDefaults } from './template-document.js';

/** Finds the distribution definition that a target names; undefined when there is none. */
export type DistributionResolver = (
  target: Template['target'],
) => DistributionDefinition | undefined | Promise<DistributionDefinition | undefined>;

export interface LoadOptions {
  readonly distribution: DistributionResolver;
  readonly signal?: AbortSignal;
}

/** A template with everything that it inherits. */
export interface LoadedTemplate {
  /** Undefined when `problems` is not empty. */
  readonly spec: ImageSpec | undefined;
  /** Undefined when a file of the chain is not a valid template. */
  readonly merged: MergedTemplate | undefined;
  readonly distribution: DistributionDefinition | undefined;
  /** Absolute paths of the template and of its ancestors. */
  readonly files: readonly string[];
  /** Everything that is wrong, in file order. */
  readonly problems: readonly ProblemReport[];
  /** What keeps a build from being done here and now although the template is right: local files that are missing. */
  readonly refused: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

/**
 * Reads a template: inherits, lays it over the defaults of its distribution, gives every value its final form and checks it.
 * What is wrong with the content is in `problems`, all at once; {@link requireSpec} turns it into an error.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE` when the file cannot be read as UTF-8 text
 */
export async function loadTemplate(file: string, options: LoadOptions): Promise<LoadedTemplate> {
  const chain = await readChain(file, options.signal);
  const failed = (problems: readonly ProblemReport[], rest: Partial<LoadedTemplate> = {}): LoadedTemplate => ({
    spec: undefined,
    merged: undefined,
    distribution: undefined,
    files: chain.files,
    problems: orderProblems(problems),
    refused: [],
    warnings: orderProblems(chain.warnings),
    ...rest,
  });
  if (chain.template === undefined || chain.problems.length > 0) return failed(chain.problems);
  const { target } = chain.template;
  const distribution = await options.distribution(target);
  const layers: TemplateLayer[] = [...chain.layers];
  if (distribution !== undefined) {
    const title = `defaults of ${distribution.dist}`;
    const { defaults, problems } = checkDefaults(distribution.defaults[target.imageType] ?? {}, title);
    if (defaults === undefined) {
      const message = `the ${title} for "${target.imageType}" are not valid:\n${summarize(problems)}`;
      return failed([problem('ICT_TEMPLATE_DEFAULTS', message, { hint: 'The distribution definition must be corrected.' })], {
        distribution,
      });
    }
    // Image, target and metadata are the template's own.
    const { disk, systemConfig, layers: extra, packageRepositories, build, baseline, overlayPolicy } = defaults;
    const template = { disk, systemConfig, layers: extra, packageRepositories, build, baseline, overlayPolicy };
    layers.unshift({ template, directory: undefined, title });
  }
  const merged = mergeTemplates(layers);
  const missing = checkTarget(merged, distribution);
  if (distribution === undefined) return failed(missing, { merged });
  const { spec, problems, refused, warnings } = await buildSpec(merged, file);
  const all = orderProblems([...missing, ...problems]);
  return {
    spec: all.length === 0 ? spec : undefined,
    merged,
    distribution,
    files: chain.files,
    problems: all,
    refused: orderProblems(refused),
    warnings: orderProblems([...chain.warnings, ...warnings]),
  };
}

/** A definition must exist, and for this architecture. */
function checkTarget(merged: MergedTemplate, distribution: DistributionDefinition | undefined): ProblemReport[] {
  const { report, problems } = reporter(merged, 'error');
  const { os, dist, arch } = merged.template.target;
  const at: Path = ['target'];
  if (distribution === undefined) {
    const hint = 'Install the plugin that brings it, or name its definition under "distros" in the configuration.';
    report('ICT_TEMPLATE_TARGET_UNKNOWN', [...at, 'dist'], `no definition of the distribution "${dist}" of "${os}" is known`, hint);
  } else if (!distribution.architectures.includes(arch)) {
    const hint = `It exists for: ${distribution.architectures.join(', ')}.`;
    report('ICT_TEMPLATE_TARGET_UNKNOWN', [...at, 'arch'], `${distribution.title} does not exist for "${arch}"`, hint);
  }
  return problems;
}

/**
 * The specification of a template that has no problems.
 *
 * @throws `ICT_TEMPLATE_INVALID` with all problems otherwise
 */
export function requireSpec(loaded: LoadedTemplate): ImageSpec {
  if (loaded.spec !== undefined) return loaded.spec;
  const file = loaded.files[0] ?? 'the template';
  throw templateError('ICT_TEMPLATE_INVALID', {
    message: `${file} is not a valid template:\n${summarize(loaded.problems)}`,
    hint: 'Correct the marked places.',
    facts: { file, problems: loaded.problems.length },
    problems: loaded.problems,
  });
}
