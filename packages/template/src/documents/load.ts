import type { DistributionDefinition, ImageSpec, ProblemReport } from '@ict/plugin-api';
import { ofArchitecture } from '../sections/architecture-words.js';
import { templateError } from '../errors.js';
import { buildSpec } from '../sections/image-spec.js';
import { type MergedTemplate, mergeTemplates, type TemplateLayer } from './merge.js';
import { checkSections, type PluginSections } from '../sections/plugin-section.js';
import { countProblems, orderProblems, problem, summarize } from '../problems/problem.js';
import { reporter } from '../problems/report.js';
import { redactData } from '../sections/secret-text.js';
import type { Template, TemplateDefaults } from '../schema/template.js';
import { type KnownTargets, targetFaults } from '../targets/target.js';
import { readChain } from './template-chain.js';
import { isPlaceholder } from '../sections/user.js';
import type { Variable, VariableSources } from './variables.js';

/**
 * Finds the distribution definition that a target names; undefined when there is none. It was read by `parseDistribution` or placed by
 * `placeDistribution`: its defaults fit the schema, and are not checked against it again.
 */
export type DistributionResolver = (
  target: Pick<Template['target'], 'os' | 'dist'>,
) => DistributionDefinition | undefined | Promise<DistributionDefinition | undefined>;

export interface LoadOptions extends KnownTargets {
  readonly distribution: DistributionResolver;
  /** Text to take for the template itself, such as standard input; relative paths count from the directory of `file` all the same. */
  readonly text?: string;
  readonly variables?: VariableSources;
  /** What plugins let templates say to them. Absent: what a template says is not checked. */
  readonly sections?: PluginSections;
  /** Seconds since 1970; default: the machine's clock. */
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

/** A template with everything that it inherits. */
export interface LoadedTemplate {
  /** Undefined when `problems` is not empty. */
  readonly spec: ImageSpec | undefined;
  /** The specification with its mistakes, to look for more of them; undefined when too little is known. */
  readonly draft: ImageSpec | undefined;
  /** Undefined when no file of the chain says what the image is made of. What is not valid is left out of it. */
  readonly merged: MergedTemplate | undefined;
  /** The defaults of the distribution that lie below the template. */
  readonly defaults: MergedTemplate | undefined;
  readonly distribution: DistributionDefinition | undefined;
  /** Absolute paths of the template and of its ancestors. */
  readonly files: readonly string[];
  readonly variables: ReadonlyMap<string, Variable>;
  /** Everything that is wrong, in file order. */
  readonly problems: readonly ProblemReport[];
  /** What keeps a build from being done here and now although the template is right: local files that are missing. */
  readonly refused: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

/**
 * Reads a template: inherits, lays it over the defaults of its distribution, gives every value its final form and checks it.
 * What is wrong with the content is in `problems`, all at once: what is not valid by itself does not keep the rest from being
 * checked. {@link requireSpec} turns problems into an error. No secret is in any message.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE` when the file cannot be read as UTF-8 text
 */
export async function loadTemplate(file: string, options: LoadOptions): Promise<LoadedTemplate> {
  const chain = await readChain(file, options);
  const done = (problems: readonly ProblemReport[], rest: Partial<LoadedTemplate> = {}): LoadedTemplate => {
    const secrets = secretsOf(chain.variables, rest.merged);
    // Messages quote values, but never passwords.
    const shown = <T>(reports: T): T => redactData(reports, secretsOf(chain.variables, undefined));
    const draft = rest.draft === undefined ? undefined : { ...rest.draft, secrets };
    return {
      merged: undefined,
      defaults: undefined,
      distribution: undefined,
      files: chain.files,
      variables: chain.variables,
      ...rest,
      spec: problems.length === 0 ? draft : undefined,
      draft,
      problems: shown(orderProblems(problems)),
      refused: shown(orderProblems(rest.refused ?? [])),
      warnings: shown(orderProblems([...chain.warnings, ...(rest.warnings ?? [])])),
    };
  };
  const { target } = chain;
  const asked = chain.layers.at(-1)?.template.target ?? {};
  const { os, dist, arch } = asked;
  const defined = os && dist ? await options.distribution({ os, dist }) : undefined;
  const distribution = defined === undefined || !arch ? defined : ofArchitecture(defined, arch);
  const faults = targetFaults(asked, distribution, options);
  if (target === undefined || distribution === undefined || faults.length > 0) {
    const merged = mergeTemplates([UNKNOWN_DEFAULTS, ...chain.layers]);
    const { report, problems: missing } = reporter(merged, 'error');
    for (const { key, message, hint } of faults) report('ICT_TEMPLATE_TARGET_UNKNOWN', ['target', key], message, hint);
    if (target === undefined) return done([...chain.problems, ...missing]);
    const { problems } = await buildSpec(merged, file, options.sections, options.clock?.());
    return done([...chain.problems, ...missing, ...problems], { merged, ...(distribution === undefined ? {} : { distribution }) });
  }
  const { layer, wrong } = defaultsLayer(distribution, target, asksForImmutability(chain.layers), options.sections);
  if (layer === undefined) return done([...chain.problems, wrong], { distribution });
  const layers = [layer, ...chain.layers];
  const merged = mergeTemplates(layers);
  const defaults = mergeTemplates([layer]);
  const { spec, problems, ...result } = await buildSpec(merged, file, options.sections, options.clock?.());
  // Plugins rely on what their schema promises.
  const heard = layers.every(({ pruned = [] }) => pruned.every(([first]) => first !== 'plugins'));
  return done([...chain.problems, ...problems], { merged, defaults, distribution, ...(heard ? { draft: spec } : {}), ...result });
}

/** Stands for the defaults of a distribution or image type that is not there: nothing is concluded from what a template leaves to them. */
const UNKNOWN_DEFAULTS: TemplateLayer = { template: {}, directory: undefined, title: 'defaults', pruned: [[]] };

/** What templates say together of immutability, whatever a definition says. */
function asksForImmutability(layers: readonly TemplateLayer[]): boolean {
  return layers.map(({ template }) => template.systemConfig?.immutability?.enabled).findLast((enabled) => enabled !== undefined) === true;
}

/** What a distribution brings for an image type, as the lowest layer; or what is wrong with it. */
function defaultsLayer(
  distribution: DistributionDefinition,
  target: Template['target'],
  isImmutable: boolean,
  sections: PluginSections | undefined,
): { readonly layer: TemplateLayer; readonly wrong?: undefined } | { readonly layer?: undefined; readonly wrong: ProblemReport } {
  const title = `defaults of ${distribution.dist}`;
  const defaults = (distribution.defaults[target.imageType] ?? {}) as TemplateDefaults;
  // Only now it is known which plugins there are.
  const problems = sections === undefined ? [] : checkSections(defaults.plugins ?? {}, sections, undefined).problems;
  if (problems.length > 0) {
    const message = `the ${title} for "${target.imageType}" are not valid:\n${summarize(problems)}`;
    return { wrong: problem('ICT_TEMPLATE_DEFAULTS', message, { hint: 'The distribution definition must be corrected.' }) };
  }
  // Image, target and metadata are the template's own.
  const { systemConfig, layers, packageRepositories, packagePins, plugins, build, baseline, overlayPolicy } = defaults;
  const immutable = isImmutable ? (distribution.immutable as Pick<TemplateDefaults, 'disk'> | undefined) : undefined;
  // An image type without a disk stays without.
  const disk = defaults.disk?.partitions === undefined ? defaults.disk : (immutable?.disk ?? defaults.disk);
  const template = { disk, systemConfig, layers, packageRepositories, packagePins, plugins, build, baseline, overlayPolicy };
  return { layer: { template, directory: undefined, title } };
}

/** Texts that may not be shown: values of secret variables and each of their lines, and passwords, plain or hashed. */
export function secretsOf(variables: ReadonlyMap<string, Variable>, merged: MergedTemplate | undefined): string[] {
  const values = [...variables.values()].flatMap(({ secret, value }) => (secret && value ? [value, ...linesOf(value)] : []));
  const passwords = (merged?.template.systemConfig?.users ?? []).flatMap(({ password }) => (password ? [password] : []));
  return [...values, ...passwords.filter((password) => !isPlaceholder(password))];
}

/** Lines of a text of several, as programs print them one by one; those that are too short to tell anything are left out. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= 8);
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
    message: `${file} is not a valid template: ${countProblems(loaded.problems)}`,
    hint: 'Correct the marked places.',
    facts: { file, problems: loaded.problems.length },
    problems: loaded.problems,
  });
}
