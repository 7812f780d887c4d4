import { DEFAULT_TIMEOUTS } from '@ict/fetch';
import { requireConfigKey, type ConfigRow, type TransportDefaults } from '@ict/template';
import type { ConfigShowFlags } from '../config-commands.js';
import type { GlobalFlags, SettingsFlags } from '../flag-types.js';
import type { Session } from '../session.js';
import { describeSettings, type SettingsReport } from '../settings.js';
import { plainText, table } from '../views/terminal-text.js';

/** `ict config show`: every setting and its value, and where that comes from when asked. */
export async function configShow(session: Session, flags: ConfigShowFlags): Promise<void> {
  const report = await settingsOf(session, flags);
  session.document({ ...report, settings: report.settings.map(typed) });
  const { resultColors: colors } = session.terminal;
  const rows = report.settings.map(({ key, text, origin }) => [
    key,
    plainText(text) || '-',
    ...(flags.origin === true ? [colors.dim(plainText(origin))] : []),
  ]);
  session.result(`${table(rows).join('\n')}\n`);
}

/** `ict config get`: the value of one setting, for scripts; nothing but an empty line when it has none. */
export async function configGet(session: Session, key: string, flags: GlobalFlags): Promise<void> {
  requireConfigKey(key);
  const { settings } = await settingsOf(session, flags);
  const row = settings.find((one) => one.key === key);
  session.document(row === undefined ? undefined : typed(row));
  session.result(`${plainText(row?.text ?? '')}\n`);
}

/** A setting as documents have it: in its own type, without the words for people. */
function typed({ key, value, origin }: ConfigRow): Omit<ConfigRow, 'text'> {
  return { key, value, origin };
}

async function settingsOf(session: Session, flags: SettingsFlags): Promise<SettingsReport> {
  const report = await describeSettings(session.surroundings, flags, transportDefaults());
  session.report(report.warnings);
  return report;
}

/** What downloads do where nothing is set, in the words of `network` of the configuration. */
function transportDefaults(): TransportDefaults {
  const { connectMs, headersMs, bodyMs } = DEFAULT_TIMEOUTS;
  return {
    timeoutMs: `${connectMs} to connect, ${headersMs} for an answer, ${bodyMs} between pieces`,
  };
}
