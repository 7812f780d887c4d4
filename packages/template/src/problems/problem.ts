import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import type { TemplateCode } from '../errors.js';

/** What is known of a problem beside its code and message. */
export interface ProblemDetails {
  readonly hint?: string;
  readonly position?: SourcePosition;
  readonly snippet?: string;
  readonly severity?: 'error' | 'warning';
}

/** Longest message, in UTF-16 units: what a hostile file says is not repeated at length. */
const LONGEST = 1000;

/** Builds a report without empty fields; an error unless `severity` says otherwise. */
export function problem(code: TemplateCode, message: string, details: ProblemDetails = {}): ProblemReport {
  const { hint, position, snippet, severity = 'error' } = details;
  return {
    code,
    message: message.length > LONGEST ? `${message.slice(0, LONGEST)}...` : message,
    ...(hint === undefined ? {} : { hint }),
    ...(position === undefined ? {} : { position }),
    ...(snippet === undefined ? {} : { snippet }),
    severity,
  };
}

/** Sorts reports by file, line and column, those without a place last, and drops exact repetitions. */
export function orderProblems(problems: readonly ProblemReport[]): ProblemReport[] {
  const seen = new Set<string>();
  const unique = problems.filter((one) => {
    const key = JSON.stringify([one.code, one.message, one.position]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return unique.sort((a, b) => {
    if (a.position === undefined || b.position === undefined) return Number(a.position === undefined) - Number(b.position === undefined);
    if (a.position.file !== b.position.file) return a.position.file < b.position.file ? -1 : 1;
    return a.position.line - b.position.line || a.position.column - b.position.column;
  });
}

/** `1 problem`, `2 problems`. */
export function countProblems({ length }: readonly ProblemReport[]): string {
  return `${length} ${length === 1 ? 'problem' : 'problems'}`;
}

/** One line for each report, for the message of a thrown error: `file:3:5: message`. */
export function summarize(problems: readonly ProblemReport[]): string {
  return problems
    .map(({ position, message }) => (position === undefined ? message : `${position.file}:${position.line}:${position.column}: ${message}`))
    .join('\n');
}
