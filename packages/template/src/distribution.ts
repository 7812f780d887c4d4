import path from 'node:path';
import type { DistributionDefinition, ProblemReport } from '@ict/plugin-api';
import { compiled } from './compiled-validator.js';
import { templateError } from './errors.js';
import type { Path } from './path.js';
import { orderProblems, problem, summarize } from './problem.js';
import { type CompleteDistro, distroSchema } from './schema/distro.js';
import { fillDefaults } from './schema-defaults.js';
import type { TemplateDefaults } from './schema/template.js';
import { checkDefaults } from './template-document.js';
import { type DocumentPositions, parseYaml } from './yaml-document.js';

/** A distribution definition file. */
export interface ParsedDistribution {
  /** Undefined when `problems` is not empty. */
  readonly definition: DistributionDefinition | undefined;
  readonly positions: DocumentPositions;
  readonly problems: readonly ProblemReport[];
}

const distroValidator = compiled('distro', distroSchema);

/**
 * Reads the text of a distribution definition. Its keyrings and the local files of its defaults become absolute, counted from
 * the directory of `file`. Never throws; nothing but `text` is read.
 */
export function parseDistribution(text: string, file: string): ParsedDistribution {
  const { data, positions, problems } = parseYaml(text, file);
  if (problems.length > 0) return { definition: undefined, positions, problems };
  const found = distroValidator().check(data, 'distribution definition', positions);
  if (found.length > 0) return { definition: undefined, positions, problems: found };
  const distro = fillDefaults(distroSchema, data) as CompleteDistro;
  const wrong: ProblemReport[] = [];
  for (const [imageType, defaults] of Object.entries(distro.defaults)) {
    const below = within(positions, ['defaults', imageType]);
    wrong.push(...checkDefaults(defaults, `defaults for "${imageType}"`, { positions: below }).problems);
  }
  for (const key of ['os', 'dist'] as const) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(distro[key])) continue;
    const message = `${key} is ${JSON.stringify(distro[key])}; it must be letters, digits, ".", "_" and "-": directories are named after it`;
    const position = positions.positionOf([key]);
    wrong.push(
      problem('ICT_DOCUMENT_BAD_VALUE', message, position === undefined ? {} : { position, snippet: positions.snippet(position) }),
    );
  }
  const seen = new Set<string>();
  for (const [index, { id, archive }] of distro.repositories.entries()) {
    const at = (key: string, message: string): void => {
      const position = positions.positionOf(['repositories', index, key]);
      const details = position === undefined ? {} : { position, snippet: positions.snippet(position) };
      wrong.push(problem('ICT_DOCUMENT_BAD_VALUE', message, details));
    };
    if (seen.has(id)) at('id', `two repositories have the id "${id}"`);
    if (archive.endsWith('/')) at('archive', `the archive ${archive} ends in a slash`);
    seen.add(id);
  }
  const definition = wrong.length === 0 ? complete(distro, path.dirname(path.resolve(file))) : undefined;
  return { definition, positions, problems: orderProblems(wrong) };
}

/**
 * The definition of a file without problems.
 *
 * @throws `ICT_DISTRO_INVALID` with all problems otherwise
 */
export function requireDistribution(parsed: ParsedDistribution): DistributionDefinition {
  if (parsed.definition !== undefined) return parsed.definition;
  const { file } = parsed.positions;
  throw templateError('ICT_DISTRO_INVALID', {
    message: `${file} is not a valid distribution definition:\n${summarize(parsed.problems)}`,
    hint: 'Correct the marked places, or leave the file out of the configuration.',
    facts: { file },
    problems: parsed.problems,
  });
}

/** Positions of the part of a document below `prefix`. */
function within(positions: DocumentPositions, prefix: Path): DocumentPositions {
  return {
    file: positions.file,
    positionOf: (at) => positions.positionOf([...prefix, ...at]),
    keyPositionOf: (at) => positions.keyPositionOf([...prefix, ...at]),
    sourceOf: (at) => positions.sourceOf([...prefix, ...at]),
    snippet: (position) => positions.snippet(position),
    entries: () => positions.entries(),
  };
}

function complete(distro: CompleteDistro, directory: string): DistributionDefinition {
  return {
    ...distro,
    apiVersion: 1,
    repositories: distro.repositories.map(({ keyrings, ...rest }) => ({
      ...rest,
      keyrings: keyrings.map((keyring) => path.resolve(directory, keyring)),
    })),
    defaults: Object.fromEntries(
      Object.entries(distro.defaults).map(([imageType, defaults]) => [imageType, absoluteFiles(defaults as TemplateDefaults, directory)]),
    ),
  };
}

function absoluteFiles(defaults: TemplateDefaults, directory: string): TemplateDefaults {
  const absolute = <T extends { readonly local: string }>(file: T): T => ({ ...file, local: path.resolve(directory, file.local) });
  const { systemConfig, layers } = defaults;
  return {
    ...defaults,
    ...(systemConfig?.additionalFiles === undefined
      ? {}
      : { systemConfig: { ...systemConfig, additionalFiles: systemConfig.additionalFiles.map(absolute) } }),
    ...(layers === undefined
      ? {}
      : {
          layers: layers.map(({ files = [], inputs = [], ...layer }) => ({
            ...layer,
            files: files.map(absolute),
            inputs: inputs.map((input) => path.resolve(directory, input)),
          })),
        }),
  };
}
