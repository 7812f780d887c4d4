import type { ProblemReport } from '@ict/plugin-api';

/**
 * Problems as commands of GitHub's workflow runner, one a line: they become annotations of the files.
 *
 * @param file that problems without a place of their own are about
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function githubAnnotations(problems: readonly ProblemReport[], file: string): string {
  return problems.map((problem) => `${annotation(problem, file)}\n`).join('');
}

function annotation({ code, message, hint, position, severity }: ProblemReport, file: string): string {
  const place = position === undefined ? { file } : { file: position.file, line: position.line, col: position.column };
  const properties = Object.entries({ ...place, title: code }).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${severity} ${properties.join(',')}::${escapeData(hint === undefined ? message : `${message}\n${hint}`)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
