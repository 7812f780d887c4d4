import type { ProblemReport } from '@ict/plugin-api';
import { problemText } from '../failure-text.js';
import { formatCount } from '../quantity.js';
import type { DefinitionFlags } from '../program.js';
import type { Session } from '../session.js';
import { withEngine } from '../engine-session.js';

/** `ict validate`: every problem of a template at once; 1 when there is one. */
export async function validate(session: Session, template: string, flags: DefinitionFlags): Promise<number> {
  const { problems, warnings } = await withEngine(session, { ...flags, hostMirrors: false }, (engine) => engine.validate(template));
  const valid = problems.length === 0;
  session.document({ valid, problems, warnings });
  const { colors } = session.terminal;
  const say = (reports: readonly ProblemReport[], level: 'warn' | 'error') =>
    reports.forEach((problem) => session.note(problemText(problem, colors), level));
  say(warnings, 'warn');
  say(problems, 'error');
  if (valid) session.result(`${template} is valid\n`);
  else session.note(`${template}: ${formatCount(problems.length, 'problem')}\n`, 'error');
  return valid ? 0 : 1;
}
