import path from 'node:path';
import { bareAddress, type DistributionDefinition, type ProblemReport } from '@ict/plugin-api';
import { checkWords, replaceWords } from '../sections/architecture-words.js';
import { compiled } from '../validation/compiled-validator.js';
import { templateError } from '../errors.js';
import type { Path } from '../documents/path.js';
import { orderProblems, problem, countProblems } from '../problems/problem.js';
import { type CompleteDistro, distroSchema } from '../schema/distro.js';
import { fillDefaults } from '../validation/schema-defaults.js';
import type { TemplateDefaults } from '../schema/template.js';
import { checkDefaults } from '../documents/template-document.js';
import { type DocumentPositions, parseYaml } from '../documents/yaml-document.js';

/** A definition as its file says it, defaults filled in: plain data, with paths that count from the file. */
export type WrittenDistribution = CompleteDistro;

/** A distribution definition file. */
export interface ParsedDistribution {
  /** Undefined when `problems` is not empty. */
  readonly definition: DistributionDefinition | undefined;
  /** What `definition` was made of; a function of the text alone. */
  readonly written: WrittenDistribution | undefined;
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
  if (problems.length > 0) return { definition: undefined, written: undefined, positions, problems };
  // Texts are whole only once the words of an architecture are in them.
  const found = variants(data).map((variant) => ({
    variant,
    problems: distroValidator().check(variant, 'distribution definition', positions),
  }));
  const invalid = found.flatMap((one) => one.problems);
  const wrong = distinct(invalid.length > 0 ? invalid : found.flatMap(({ variant }) => checkDistro(variant, positions)));
  const written = wrong.length === 0 ? (fillDefaults(distroSchema, data) as CompleteDistro) : undefined;
  const definition = written && placeDistribution(written, file);
  return { definition, written, positions, problems: orderProblems(wrong) };
}

/** The data of a definition as it is for each of its architectures; faults in its head are found in the data itself. */
function variants(data: unknown): readonly unknown[] {
  const { architectures, byArchitecture } = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(architectures) || architectures.length === 0 || !isMapping(byArchitecture)) return [data];
  return architectures.map((arch) => {
    const words = byArchitecture[String(arch)];
    const texts = isMapping(words) ? Object.entries(words).filter((one): one is [string, string] => typeof one[1] === 'string') : [];
    return { ...replaceWords(data as object, Object.fromEntries(texts)), byArchitecture };
  });
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the schema cannot say. */
function checkDistro(data: unknown, positions: DocumentPositions): ProblemReport[] {
  const distro = fillDefaults(distroSchema, data) as CompleteDistro;
  const wrong: ProblemReport[] = [];
  const report = (at: Path, message: string): void => {
    const position = positions.positionOf(at);
    const details = position === undefined ? {} : { position, snippet: positions.snippet(position) };
    wrong.push(problem('ICT_DOCUMENT_BAD_VALUE', message, details));
  };
  for (const [imageType, defaults] of Object.entries(distro.defaults)) {
    const below = within(positions, ['defaults', imageType]);
    wrong.push(...checkDefaults(defaults, `defaults for "${imageType}"`, below));
  }
  if (distro.immutable !== undefined) wrong.push(...checkDefaults(distro.immutable, 'immutable', within(positions, ['immutable'])));
  for (const key of ['os', 'dist'] as const) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(distro[key])) continue;
    report([key], `${key} is ${JSON.stringify(distro[key])}; it must be letters, digits, ".", "_" and "-": directories are named after it`);
  }
  for (const { path: at, message } of checkWords(distro.architectures, distro.byArchitecture)) report(at, message);
  const seen = new Set<string>();
  for (const [index, { id, archive, metalink, mirrorlist }] of distro.repositories.entries()) {
    if (seen.has(id)) report(['repositories', index, 'id'], `two repositories have the id "${id}"`);
    if (archive.endsWith('/')) report(['repositories', index, 'archive'], `the archive ${bareAddress(archive)} ends in a slash`);
    if (metalink !== undefined && mirrorlist !== undefined)
      report(['repositories', index, 'mirrorlist'], `the repository "${id}" names a metalink and a mirror list; a metalink says more`);
    seen.add(id);
  }
  return wrong;
}

/** Each problem once, however many architectures have it. */
function distinct(problems: readonly ProblemReport[]): ProblemReport[] {
  return [...new Map(problems.map((one) => [`${one.position?.line}:${one.position?.column} ${one.message}`, one])).values()];
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
    message: `${file} is not a valid distribution definition: ${countProblems(parsed.problems)}`,
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
    positionIn: (at, text) => positions.positionIn([...prefix, ...at], text),
    keyPositionOf: (at) => positions.keyPositionOf([...prefix, ...at]),
    sourceOf: (at) => positions.sourceOf([...prefix, ...at]),
    snippet: (position) => positions.snippet(position),
    entries: () => positions.entries(),
  };
}

/** The definition that was read of a file, which may have been elsewhere then; see {@link parseDistribution}. */
export function placeDistribution(distro: WrittenDistribution, file: string): DistributionDefinition {
  const directory = path.dirname(path.resolve(file));
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
