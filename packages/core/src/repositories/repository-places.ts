import { fromErrorRecord, isIctError, toErrorRecord } from '@ict/plugin-api';
import type { ImageSpec, ProblemReport, SourcePosition, TemplateRepository } from '@ict/plugin-api';

/** Where a template names a repository. */
export interface RepositoryPlace {
  readonly whole: SourcePosition;
  readonly codename?: SourcePosition | undefined;
  /** Of a directory of this machine. */
  readonly path?: SourcePosition | undefined;
  readonly keys?: SourcePosition | undefined;
}

/** By id: the repositories that a template adds. */
export type RepositoryPlaces = ReadonlyMap<string, RepositoryPlace>;

/** The key of a template's repository, such as `packageRepositories[0]`; undefined when nobody knows it. */
export function repositoryKey({ position }: Pick<TemplateRepository, 'position'>, positions: ImageSpec['positions']): string | undefined {
  if (position === undefined) return undefined;
  const isThere = ({ file, line }: SourcePosition): boolean => file === position.file && line === position.line;
  return [...positions].find(([path, each]) => /^packageRepositories\[\d+\]$/.test(path) && isThere(each))?.[0];
}

/** @returns undefined when nobody knows where the template has it. */
export function repositoryPlace(
  repository: Pick<TemplateRepository, 'position'>,
  positions: ImageSpec['positions'],
): RepositoryPlace | undefined {
  const { position: whole } = repository;
  if (whole === undefined) return undefined;
  const key = repositoryKey(repository, positions);
  const keys = positions.get(`${key}.pkey`) ?? positions.get(`${key}.pkeys`);
  return { whole, codename: positions.get(`${key}.codename`), path: positions.get(`${key}.path`), keys };
}

/** Says of which repository a failure to pin it is: the transport knows addresses only. */
export function ofRepository(error: unknown, id: string): unknown {
  if (!isIctError(error) || error.problems.length > 0 || error.facts['repository'] !== undefined) return error;
  const record = toErrorRecord(error);
  return fromErrorRecord({ ...record, facts: { ...record.facts, repository: id } }, error);
}

/**
 * Tells what is wrong with a repository that the template names at its line. That there is none (`facts.absent`) is then a mistake in the
 * template, and no trouble of the network.
 *
 * @returns the error to throw; one that is about no such repository, or has problems with places of their own, as it is.
 */
export function atRepository(error: unknown, places: RepositoryPlaces): unknown {
  if (!isIctError(error) || error.problems.length > 0) return error;
  const { repository, absent, directory, keyrings } = error.facts;
  const place = typeof repository === 'string' ? places.get(repository) : undefined;
  if (place === undefined) return error;
  const { whole, codename, path, keys } = place;
  const named = directory === undefined ? codename : path;
  const position = (absent === true ? named : keyrings === undefined ? undefined : keys) ?? whole;
  const record = toErrorRecord(error);
  const { code, message, hint } = record;
  const problem: ProblemReport = { code, message, ...(hint === undefined ? {} : { hint }), position, severity: 'error' };
  const kind = absent === true && record.kind === 'network' ? 'invalid' : record.kind;
  return fromErrorRecord({ ...record, kind, facts: { ...record.facts, position }, problems: [problem] }, error);
}
