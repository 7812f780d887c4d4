import { DEFAULT_RETRY, DEFAULT_TIMEOUTS } from '@ict/fetch';
import type { TransportDefaults } from '@ict/template';
import { problemText } from '../failure-text.js';
import type { SettingsFlags } from '../program.js';
import type { Session } from '../session.js';
import { describeSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict config show`: every setting, its value and where that comes from. */
export async function configShow(session: Session, flags: SettingsFlags): Promise<void> {
  const report = await describeSettings(session.surroundings, flags, transportDefaults());
  for (const warning of report.warnings) session.note(problemText(warning, session.terminal.colors), 'warn');
  session.document(report);
  const { resultColors: colors } = session.terminal;
  const rows = report.settings.map(({ key, value, origin }) => [key, plainText(value) || '-', colors.dim(plainText(origin))]);
  session.result(`${table(rows).join('\n')}\n`);
}

/** What downloads do where nothing is set, in the words of `network` of the configuration. */
function transportDefaults(): TransportDefaults {
  const { connectMs, headersMs, bodyMs } = DEFAULT_TIMEOUTS;
  return {
    retries: `${DEFAULT_RETRY.retries}`,
    timeoutMs: `${connectMs} to connect, ${headersMs} for an answer, ${bodyMs} between pieces`,
  };
}
