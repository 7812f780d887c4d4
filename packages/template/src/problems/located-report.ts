import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { type LoadedTemplate, secretsOf } from '../documents/load.js';
import type { TemplateLayer } from '../documents/merge.js';
import { formatPath, isWithin } from '../documents/path.js';
import { redactData } from '../sections/secret-text.js';

/**
 * Completes reports that others made of a template, such as image formats and resolvers: the source line of their place is added, secrets are
 * covered. What only follows from another problem is left out: reports of a place where something is wrong already, and conclusions
 * from what the template lacks because it was not valid.
 */
export function locateReports(
  { merged, problems, variables }: Pick<LoadedTemplate, 'merged' | 'problems' | 'variables'>,
  reports: readonly ProblemReport[],
): ProblemReport[] {
  const layers = merged?.layers ?? [];
  const wrong = new Set(problems.map(({ position }) => placeName(position)));
  const partial = layers.some(({ pruned = [] }) => pruned.length > 0);
  const located = reports.flatMap((report): ProblemReport[] => {
    const { position } = report;
    if (position === undefined) return partial ? [] : [report];
    const layer = layers.find(({ positions }) => positions?.file === position.file);
    if (wrong.has(placeName(position)) || (layer !== undefined && isConclusion(layer, position))) return [];
    const snippet = report.snippet ?? layer?.positions?.snippet(position);
    return [snippet === undefined ? report : { ...report, snippet }];
  });
  return redactData(located, secretsOf(variables, undefined));
}

function placeName(position: SourcePosition | undefined): string | undefined {
  return position === undefined ? undefined : `${position.line}:${position.column}:${position.file}`;
}

/** True for the place of something that would contain what was left out, or that was left out itself. */
function isConclusion({ pruned = [], positions }: TemplateLayer, position: SourcePosition): boolean {
  if (pruned.length === 0 || positions === undefined) return false;
  const absent = pruned.map(formatPath);
  return [...positions.entries()].some(
    ([path, place]) => placeName(place) === placeName(position) && absent.some((one) => isWithin(one, path) || isWithin(path, one)),
  );
}
