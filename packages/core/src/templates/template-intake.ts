import {
  UNSUPPORTED_YET,
  type DistributionDefinition,
  type ImageFormat,
  type ImageSpec,
  type ProblemReport,
  type Provider,
  type RepositorySpec,
} from '@ict/plugin-api';
import {
  countProblems,
  loadTemplate,
  locateReports,
  orderProblems,
  templateError,
  unsupported,
  type LoadedTemplate,
  type LoadOptions,
} from '@ict/template';
import { coreError } from '../errors.js';
import { bareDefinition, bareSpec, type BareDefinition } from '../repositories/bare-addresses.js';
import { checkFileChoice } from './file-choice.js';
import { checkForeign, withForeign } from './foreign-architectures.js';
import { checkPins, withPins } from './package-pins.js';
import type { Loaded, PluginHost } from '../plugins/plugin-host.js';
import { specFor } from '../plugins/plugin-view.js';
import { missingKeys, unpinnedKeys, withKeyrings } from '../repositories/repository-keys.js';
import { repositoryPlace, type RepositoryPlace, type RepositoryPlaces } from '../repositories/repository-places.js';

/** A template that was read, merged over its distribution's defaults, and checked, with the plugins that will build it. */
export interface Intake extends BareDefinition {
  /** Its repositories' addresses are bare, too. */
  readonly spec: ImageSpec;
  readonly places: RepositoryPlaces;
  readonly provider: Loaded<Provider>;
  readonly format: Loaded<ImageFormat>;
}

/** Everything that is known of a template after reading it: an intake, when it could be made at all, and all problems. */
export interface TemplateReading {
  readonly intake?: Intake;
  /** What is wrong with the template. */
  readonly problems: readonly ProblemReport[];
  /** What is right but cannot be built yet, or not here: resolving and locking go on, a build refuses. */
  readonly refused: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
  /** Keys of repositories that are fetched and that nothing in the template pins: a build needs a lock that does. */
  readonly unpinned: readonly ProblemReport[];
  readonly loaded: LoadedTemplate;
}

/**
 * Reads a template and gathers every problem of it that can be known without the network.
 *
 * @param keyrings for repositories whose definition names none
 */
export async function readTemplate(
  file: string,
  plugins: PluginHost,
  keyrings: readonly string[] = [],
  options: Omit<LoadOptions, 'distribution' | 'sections' | 'targets' | 'imageTypes'> = {},
): Promise<TemplateReading> {
  const imageTypes = plugins.imageTypes();
  const loaded = await loadTemplate(file, {
    ...options,
    sections: plugins.sections,
    targets: plugins.targets(),
    imageTypes,
    distribution: (target) => {
      const found = plugins.distribution(target.os, target.dist);
      return found === undefined ? undefined : withKeyrings(found, keyrings);
    },
  });
  const { draft, spec, merged, distribution } = loaded;
  const beyond = merged === undefined ? [] : unsupported(merged, { imageTypes });
  const keyless =
    distribution === undefined ? [] : locateReports(loaded, missingKeys(distribution, merged?.positions().get('target.dist')));
  const format =
    draft !== undefined && imageTypes.includes(draft.target.imageType) ? await plugins.format(draft.target.imageType) : undefined;
  const ofFormat =
    draft === undefined || distribution === undefined || format === undefined
      ? []
      : format.part.check(specFor(draft, format.identity), distribution);
  const found = locateReports(loaded, [...ofFormat, ...(await providerProblems(draft, distribution, plugins))]);
  const reading = {
    problems: orderProblems([...loaded.problems, ...found.filter(isMistake)]),
    refused: orderProblems([...loaded.refused, ...beyond, ...keyless, ...found.filter(({ code }) => code === UNSUPPORTED_YET)]),
    warnings: orderProblems([...loaded.warnings, ...found.filter(({ severity }) => severity === 'warning')]),
    unpinned: draft === undefined ? [] : locateReports(loaded, unpinnedKeys(draft)),
    loaded,
  };
  if (spec === undefined || distribution === undefined || format === undefined) return reading;
  const provider = await plugins.provider(distribution.ecosystem);
  const { places, ...wider } = extended(distribution, spec);
  return {
    ...reading,
    intake: {
      spec: bareSpec(spec),
      places,
      ...bareDefinition(withPins(withForeign(wider.distribution, spec.target), spec)),
      provider,
      format,
    },
  };
}

/** What the provider cannot do of a template. It is loaded only for a template that asks for more than every provider can. */
async function providerProblems(
  draft: ImageSpec | undefined,
  distribution: DistributionDefinition | undefined,
  plugins: PluginHost,
): Promise<readonly ProblemReport[]> {
  if (draft === undefined || distribution === undefined) return [];
  if (draft.target.foreignArchitectures === undefined && draft.pins === undefined && draft.system.fileChoice === undefined) return [];
  const { part } = await plugins.provider(distribution.ecosystem);
  return [
    ...checkForeign(draft, distribution, part),
    ...checkPins(draft, distribution, part),
    ...checkFileChoice(draft, distribution, part),
  ];
}

function isMistake({ code, severity }: ProblemReport): boolean {
  return severity === 'error' && code !== UNSUPPORTED_YET;
}

/** A distribution with the repositories that a template adds. Where no repository of it has a suite, none of theirs has. */
function extended(
  distribution: DistributionDefinition,
  spec: ImageSpec,
): { readonly distribution: DistributionDefinition; readonly places: RepositoryPlaces } {
  const places = new Map<string, RepositoryPlace>();
  const suites = distribution.repositories.some(({ suite }) => suite !== '');
  const taken = new Set(distribution.repositories.map(({ id }) => id));
  const added = spec.repositories.flatMap((own) => {
    const { codename, url, recordedAs, components, keys, fingerprints, priority, allowPackages, excludePackages } = own;
    // Of single packages none is made yet; `unsupported` says so.
    if (url === undefined) return [];
    // A flat repository has packages beside its signed root, and no components.
    const isFlat = codename.endsWith('/');
    const label = isFlat ? codename.replaceAll(/^(?:\.?\/)+|\/+$/g, '') || 'flat' : codename;
    const name = `template-${label.replaceAll(/[^A-Za-z0-9._-]+/g, '-')}`;
    let id = name;
    for (let number = 2; taken.has(id); number++) id = `${name}-${number}`;
    taken.add(id);
    const place = repositoryPlace(own, spec.positions);
    if (place !== undefined) places.set(id, place);
    const repository: RepositorySpec = {
      id,
      archive: url,
      ...(recordedAs === undefined ? {} : { recordedAs }),
      suite: suites ? codename : '',
      components: suites && !isFlat && components.length === 0 ? ['main'] : components,
      keyrings: keys,
      ...(fingerprints === undefined ? {} : { fingerprints }),
      ...(priority === undefined ? {} : { priority }),
      ...(allowPackages.length === 0 ? {} : { allowPackages }),
      ...(excludePackages.length === 0 ? {} : { excludePackages }),
    };
    return [repository];
  });
  return { distribution: { ...distribution, repositories: [...distribution.repositories, ...added] }, places };
}

/** What is wrong with a directory that the user named for the result: neither the template nor the host is to be mended. */
const OUTPUT = 'ICT_OUTPUT_UNWRITABLE';

/** @throws `ICT_TEMPLATE_INVALID` with every problem, those of the host included. */
export function requireSound(file: string, problems: readonly ProblemReport[]): void {
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length === 0) return;
  const [only] = errors;
  if (only?.code === OUTPUT && errors.length === 1) {
    const { message, hint } = only;
    throw coreError(OUTPUT, { message, ...(hint === undefined ? {} : { hint }) });
  }
  const onlyHost = errors.every(({ code }) => code.startsWith('ICT_HOST_') || code === OUTPUT);
  const count = countProblems(errors);
  throw onlyHost
    ? coreError('ICT_HOST_UNFIT', { message: `this host cannot build ${file}: ${count}`, hint: 'Run `ict doctor`.', problems: errors })
    : templateError('ICT_TEMPLATE_INVALID', {
        message: `${file} cannot be built: ${count}`,
        hint: 'Mend the places named above.',
        problems: errors,
      });
}
