import { isIctError, toErrorRecord, type ErrorRecord, type ProblemReport } from '@ict/plugin-api';
import type { Engine, ReadOptions, Validation } from '@ict/core';
import { withEngine } from './engine-session.js';
import { failureText, problemText } from './failure-text.js';
import type { EngineFlags } from './flag-types.js';
import { githubAnnotations } from './github-annotations.js';
import { formatCount } from './quantity.js';
import type { Session } from './session.js';
import type { ProblemFormat } from './template-commands.js';
import { templateInputs, type TemplateInput } from './template-input.js';

/** What is known of one template. */
interface Verdict extends Validation {
  readonly template: string;
  readonly valid: boolean;
  /** Why it could not be read. */
  readonly error?: ErrorRecord;
}

/** How templates are looked at. */
export interface Question {
  ask(engine: Engine, template: string, options: ReadOptions): Promise<Validation>;
  /** What is said of a template without problems: `is valid`. */
  readonly praise: string;
}

/**
 * Asks the same of each template, and tells every problem of all.
 *
 * @returns 0; 1 when there is a problem, 2 when a template could not be read.
 */
export async function judgeTemplates(
  session: Session,
  templates: readonly string[],
  flags: EngineFlags & { readonly format: ProblemFormat },
  question: Question,
): Promise<number> {
  const inputs = await templateInputs(templates, session);
  const verdicts = await withEngine(session, { ...flags, hostMirrors: false, offline: true }, async (engine) => {
    const found: Verdict[] = [];
    for (const input of inputs) found.push(await judge(input, engine, question));
    return found;
  });
  const problems = verdicts.flatMap((verdict) => verdict.problems);
  const warnings = verdicts.flatMap((verdict) => verdict.warnings);
  const valid = verdicts.every((verdict) => verdict.valid);
  session.document({ valid, problems, warnings, templates: verdicts });
  if (flags.format === 'github') session.result(githubAnnotations([...warnings, ...problems]));
  for (const verdict of verdicts) tell(verdict, session, flags.format, question.praise);
  return verdicts.some(({ error }) => error !== undefined) ? 2 : valid ? 0 : 1;
}

async function judge({ name, text }: TemplateInput, engine: Engine, question: Question): Promise<Verdict> {
  try {
    const { problems, warnings } = await question.ask(engine, name, text === undefined ? {} : { text });
    return { template: name, valid: problems.length === 0, problems, warnings };
  } catch (thrown) {
    // The others are still worth a look.
    if (!isIctError(thrown) || thrown.code !== 'ICT_TEMPLATE_UNREADABLE') throw thrown;
    return { template: name, valid: false, problems: [], warnings: [], error: toErrorRecord(thrown) };
  }
}

function tell({ template, valid, problems, warnings, error }: Verdict, session: Session, format: ProblemFormat, praise: string): void {
  const { colors } = session.terminal;
  if (error !== undefined) return session.note(failureText(error, colors), 'error');
  const say = (reports: readonly ProblemReport[], level: 'warn' | 'error'): void => {
    for (const problem of reports) session.note(problemText(problem, colors, { page: true }), level);
  };
  if (format === 'text') {
    say(warnings, 'warn');
    say(problems, 'error');
  }
  if (!valid) session.note(`${template}: ${formatCount(problems.length, 'problem')}\n`, 'error');
  else if (format === 'text') session.result(`${template} ${praise}\n`);
}
