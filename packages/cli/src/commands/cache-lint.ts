import type { LintFlags } from '../cache-commands.js';
import type { Session } from '../session.js';
import { judgeTemplates } from '../template-verdicts.js';
import { formatCount } from '../views/quantity.js';

/** `ict cache lint`: what makes layers be made anew more often than need be; exit statuses as `ict validate`. */
export async function cacheLint(session: Session, templates: readonly string[], flags: LintFlags): Promise<number> {
  return judgeTemplates(session, templates, flags, {
    ask: (engine, template, options) => engine.lintCache(template, options),
    praise: (warnings) => (warnings === 0 ? 'has nothing volatile below something stable' : `has ${formatCount(warnings, 'warning')}`),
  });
}
