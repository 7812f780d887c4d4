import { isIctError, toErrorRecord, type ErrorRecord, type ProblemReport } from '@ict/plugin-api';
import type { Engine, ReadOptions, Validation } from '@ict/core';
import { withEngine } from './engine-session.js';
import { pageOf } from './shipped-files.js';
import { failureText } from './views/failure-text.js';
import { cliError } from './errors.js';
import type { EngineFlags } from './flag-types.js';
import { githubAnnotations } from './views/github-annotations.js';
import { formatCount } from './views/quantity.js';
import type { Session } from './session.js';
import type { ProblemFormat } from './template-commands.js';
import { templateInputs, type TemplateInput } from './template-input.js';

/** What is known of one template. */
interface Verdict {
  readonly template: string;
  readonly valid: boolean;
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
  /** Why it, or what it takes to judge it, could not be read. */
  readonly error?: ErrorRecord;
}

/** How templates are looked at. */
export interface Question {
  ask(engine: Engine, template: string, options: ReadOptions): Promise<Validation>;
  /** What is said of a template without problems: `is valid`. @param warnings how many there are. */
  praise(warnings: number): string;
}

/**
 * Asks the same of each template, and tells every problem of all.
 *
 * @returns 0; 1 when there is a problem, 2 when a template, or what it takes to judge it, could not be read.
 */
export async function judgeTemplates(
  session: Session,
  templates: readonly string[],
  flags: EngineFlags & { readonly format: ProblemFormat },
  question: Question,
): Promise<number> {
  if (flags.json === true && flags.format === 'github') {
    throw cliError('ICT_CLI_USAGE', {
      message: '--json and --format github exclude each other: both are for standard output',
      hint: 'Give one of them.',
    });
  }
  const inputs = await templateInputs(templates, session);
  const verdicts = await withEngine(session, { ...flags, hostMirrors: false, offline: true }, async (engine) => {
    const found: Verdict[] = [];
    for (const input of inputs) {
      session.signal.throwIfAborted();
      found.push(await judge(input, engine, question));
    }
    return found;
  });
  const valid = verdicts.every((verdict) => verdict.valid);
  const documents = verdicts.map(withPages);
  const all = (list: 'problems' | 'warnings') => documents.flatMap((verdict) => verdict[list]);
  session.document({ valid, problems: all('problems'), warnings: all('warnings'), templates: documents });
  if (flags.format === 'github') {
    for (const { template, warnings, problems, error } of verdicts) {
      const unread = error === undefined ? [] : [{ ...error, severity: 'error' as const }];
      session.result(githubAnnotations([...warnings, ...problems, ...unread], template));
    }
  }
  for (const verdict of verdicts) tell(verdict, session, flags.format, question);
  return verdicts.some(({ error }) => error !== undefined) ? 2 : valid ? 0 : 1;
}

async function judge({ name, text, error: unread }: TemplateInput, engine: Engine, question: Question): Promise<Verdict> {
  if (unread !== undefined) return unreadable(name, unread);
  try {
    const { problems, warnings, unread: error } = await question.ask(engine, name, text === undefined ? {} : { text });
    const valid = problems.length === 0 && error === undefined;
    return { template: name, valid, problems, warnings, ...(error === undefined ? {} : { error }) };
  } catch (thrown) {
    // The others are still worth a look.
    if (!isIctError(thrown) || thrown.code !== 'ICT_TEMPLATE_UNREADABLE') throw thrown;
    return unreadable(name, toErrorRecord(thrown));
  }
}

function unreadable(template: string, error: ErrorRecord): Verdict {
  return { template, valid: false, problems: [], warnings: [], error };
}

/** A verdict as a document says it: everything with the page that explains it. */
function withPages({ problems, warnings, error, ...verdict }: Verdict) {
  const paged = <T extends { readonly code: string }>(report: T): T & { readonly page?: string } => {
    const page = pageOf(report.code);
    return page === undefined ? report : { ...report, page };
  };
  return {
    ...verdict,
    problems: problems.map(paged),
    warnings: warnings.map(paged),
    ...(error === undefined ? {} : { error: paged(error) }),
  };
}

function tell({ template, valid, problems, warnings, error }: Verdict, session: Session, format: ProblemFormat, question: Question): void {
  const { colors } = session.terminal;
  if (format === 'text') session.report([...warnings, ...problems], { page: true });
  if (error !== undefined) session.note(failureText(error, colors), 'error');
  if (problems.length > 0) session.note(`${template}: ${formatCount(problems.length, 'problem')}\n`, 'error');
  if (valid && format === 'text') session.result(`${template} ${question.praise(warnings.length)}\n`);
}
