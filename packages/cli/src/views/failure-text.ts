import type { ErrorRecord, ProblemReport, SourcePosition } from '@ict/plugin-api';
import { pageOf } from '../shipped-files.js';
import type { Colors } from './terminal.js';
import { plainText } from './terminal-text.js';

/** Of many names, so many are told. */
const NAMED = 10;

/** What a failure or a warning looks like for people: message, place, source line, hint, and where to read more. */
export function failureText(error: ErrorRecord, colors: Colors): string {
  const [only, ...others] = error.problems;
  const lines: string[] = [];
  // One problem that says all that the failure says stands for it.
  const isTold = only !== undefined && others.length === 0 && only.message.startsWith(error.message);
  if (!isTold) lines.push(`${colors.red(colors.bold('error'))} ${colors.dim(error.code)}  ${plainText(error.message)}`);
  const isName = (problem: ProblemReport): boolean => !isTold && onlyNames(problem, error.code);
  for (const problem of error.problems.filter((one) => !isName(one))) lines.push(...(isTold ? [] : ['']), ...problemLines(problem, colors));
  const names = error.problems.filter(isName);
  for (const { message } of names.slice(0, NAMED)) lines.push(`  ${plainText(message)}`);
  if (names.length > NAMED) lines.push(`  and ${names.length - NAMED} more; --json lists them all`);
  const told = new Set(error.problems.map(({ hint }) => hint));
  if (error.hint !== undefined && !told.has(error.hint)) lines.push(hintLine(error.hint, colors));
  // What is wrong in particular says more than what gathers it.
  const codes = error.problems.length === 0 ? [error.code] : error.problems.map(({ code }) => code);
  for (const page of new Set(codes.map((code) => pageOf(code)))) if (page !== undefined) lines.push(`  ${colors.dim('more:')} ${page}`);
  return `${lines.join('\n')}\n`;
}

/** Whether a problem only names one of the things that a failure is about, such as a package of many. */
function onlyNames({ code, position, hint }: ProblemReport, failure: string): boolean {
  return code === failure && position === undefined && hint === undefined;
}

/** One problem of a template, or a warning, with its place; `page`: and where to read more. */
export function problemText(problem: ProblemReport, colors: Colors, options: { readonly page?: boolean } = {}): string {
  const page = options.page === true ? pageOf(problem.code) : undefined;
  const lines = [...problemLines(problem, colors), ...(page === undefined ? [] : [`  ${colors.dim('more:')} ${page}`])];
  return `${lines.join('\n')}\n`;
}

function problemLines(problem: ProblemReport, colors: Colors): string[] {
  const label = problem.severity === 'error' ? colors.red('error') : colors.yellow('warning');
  const lines = [`${label} ${colors.dim(problem.code)}  ${plainText(problem.message)}`];
  if (problem.position !== undefined) lines.push(`  ${colors.dim('at')} ${positionText(problem.position)}`);
  if (problem.snippet !== undefined) {
    for (const line of problem.snippet.split('\n')) lines.push(`  ${colors.dim('|')} ${plainText(line)}`);
  }
  if (problem.hint !== undefined) lines.push(hintLine(problem.hint, colors));
  return lines;
}

/** `file:line:column`, as editors and terminals turn into links. */
export function positionText(position: SourcePosition): string {
  return `${plainText(position.file)}:${position.line}:${position.column}`;
}

function hintLine(hint: string, colors: Colors): string {
  return `  ${colors.cyan('hint:')} ${plainText(hint)}`;
}
