import type { EngineFlags } from '../program.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import type { Setting } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict config show`: every setting, its value and where that comes from. */
export async function configShow(session: Session, flags: EngineFlags): Promise<void> {
  const settings = await resolveSettings(session.surroundings, flags);
  session.document(settings);
  const { resultColors: colors } = session.terminal;
  const rows = Object.entries(settings).map(([name, { value, origin, where }]: [string, Setting<unknown>]) => [
    name,
    plainText(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')),
    colors.dim(where === undefined ? origin : `${origin} ${plainText(where)}`),
  ]);
  session.result(`${table(rows).join('\n')}\n`);
}
