import type { ResolvedTemplate } from '@ict/core';
import type { Difference, ExplainedValue, ExplainedVariable } from '@ict/template';
import { escapeReferences, writeTemplate } from '@ict/template';
import { withEngine } from '../engine-session.js';
import { positionText } from '../views/failure-text.js';
import type { Session } from '../session.js';
import type { ResolveFlags } from '../template-commands.js';
import { plainText, table } from '../views/terminal-text.js';
import type { Colors } from '../views/terminal.js';

/** `ict resolve`: a template with all that it inherits; 1 when it is not valid. Secrets are not shown. */
export async function resolveTemplate(session: Session, template: string, flags: ResolveFlags): Promise<number> {
  const resolved = await withEngine(session, { ...flags, hostMirrors: false }, (engine) => engine.resolve(template));
  const { problems, warnings, values, variables, differences } = resolved;
  const shown = flags.full === true ? resolved.full : resolved.template;
  session.document({ template: shown, values, variables, differences, problems, warnings });
  session.result(resolvedText(resolved, flags, session.terminal.resultColors));
  session.report([...warnings, ...problems]);
  return problems.length === 0 ? 0 : 1;
}

function resolvedText({ template, full, values, variables, differences }: ResolvedTemplate, flags: ResolveFlags, colors: Colors): string {
  if (flags.diff === true) return differences.map((one) => `${differenceText(one, colors)}\n`).join('');
  if (flags.explain === true)
    return [...explainedLines(values, colors), ...variableLines(variables, colors)].map((line) => `${line}\n`).join('');
  const shown = flags.full === true ? full : template;
  return shown === undefined ? '' : writeTemplate(escapeReferences(shown));
}

function explainedLines(values: readonly ExplainedValue[], colors: Colors): readonly string[] {
  return table(
    values.map(({ path, value, from, position, rule }) => [
      path,
      short(String(value)),
      position === undefined ? plainText(from) : positionText(position),
      colors.dim(rule),
    ]),
  );
}

function variableLines(variables: readonly ExplainedVariable[], colors: Colors): readonly string[] {
  if (variables.length === 0) return [];
  const rows = variables.map(({ name, value, secret, source, description = '' }) => [
    `  ${name}`,
    secret ? colors.dim('secret') : short(value),
    source,
    colors.dim(plainText(description)),
  ]);
  return ['', colors.bold('Variables'), ...table(rows)];
}

function differenceText({ path, default: before, value }: Difference, colors: Colors): string {
  if (before === undefined) return colors.green(`+ ${path}: ${short(value ?? '')}`);
  if (value === undefined) return colors.red(`- ${path}: ${short(before)}`);
  return colors.yellow(`~ ${path}: ${short(before)} -> ${short(value)}`);
}

/** One line of a text, cut where a table would become unreadable. */
function short(text: string): string {
  const line = plainText(text.replace(/\s+/g, ' '));
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
