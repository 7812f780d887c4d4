import type { ProblemReport } from '@ict/plugin-api';
import type { TemplateCode } from './errors.js';
import type { MergedTemplate } from './merge.js';
import type { Path } from './path.js';
import { problem } from './problem.js';

/** Notes a problem at a merged path; its place is that of the value, or of what should contain it. */
export type Report = (code: TemplateCode, path: Path, message: string, hint?: string) => void;

/** Makes the {@link Report} of one severity for a merged template, and the list that it fills. */
export function reporter(
  merged: MergedTemplate,
  severity: 'error' | 'warning',
): { readonly report: Report; readonly problems: ProblemReport[] } {
  const problems: ProblemReport[] = [];
  const report: Report = (code, path, message, hint) => {
    const origin = merged.originOf(path);
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
