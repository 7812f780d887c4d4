import type { Session } from '../session.js';
import type { ValidateFlags } from '../template-commands.js';
import { judgeTemplates } from '../template-verdicts.js';

/** `ict validate`: every problem of every template at once; 1 when there is one, 2 when a template could not be read. */
export async function validate(session: Session, templates: readonly string[], flags: ValidateFlags): Promise<number> {
  const { strict = false, packages = false } = flags;
  return judgeTemplates(session, templates, flags, {
    ask: (engine, template, options) => engine.validate(template, { strict, packages, ...options }),
    praise: () => 'is valid',
  });
}
