import type { ProblemReport } from '@ict/plugin-api';
import type { TemplateCode } from '../errors.js';
import type { MergedTemplate } from '../documents/merge.js';
import { formatPath, type Path, startsWith } from '../documents/path.js';
import { problem } from './problem.js';

/** Notes a problem at a merged path; its place is that of the value, or of what should contain it. */
export type Report = (code: TemplateCode, path: Path, message: string, hint?: string) => void;

/** Where values are reported: what is wrong, what keeps a build from being done here and now, and what is worth a look. */
export interface SpecReports {
  readonly error: Report;
  readonly refuse: Report;
  readonly warning: Report;
}

/** Whether a value was left out because it is not valid, and is reported already. */
export function isLeftOut(merged: Pick<MergedTemplate, 'originOf'>, path: Path): boolean {
  const holder = merged.originOf(path.slice(0, -1));
  const key = path.at(-1);
  if (holder === undefined || key === undefined) return false;
  const own = formatPath([...holder.path, key]);
  return holder.layer.pruned?.some((one) => formatPath(one) === own) === true;
}

/** Makes the {@link Report} of one severity for a merged template, and the list that it fills. */
export function reporter(
  merged: MergedTemplate,
  severity: 'error' | 'warning',
): { readonly report: Report; readonly problems: ProblemReport[] } {
  const problems: ProblemReport[] = [];
  const report: Report = (code, path, message, hint) => {
    const origin = merged.originOf(path);
    // What was left out is reported already: no conclusions from its absence.
    if (path.length === 0 && merged.layers.some(({ pruned = [] }) => pruned.length > 0)) return;
    if (origin?.layer.pruned?.some((one) => startsWith(one, origin.path) || startsWith(origin.path, one)) === true) return;
    const position = origin?.layer.positions?.positionOf(origin.path);
    problems.push(
      problem(code, origin !== undefined && position === undefined ? `${message} (from the ${origin.layer.title})` : message, {
        severity,
        ...(hint === undefined ? {} : { hint }),
        ...(position === undefined ? {} : { position, snippet: origin?.layer.positions?.snippet(position) ?? '' }),
      }),
    );
  };
  return { report, problems };
}
