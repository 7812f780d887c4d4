import type { CliHost } from './main.js';
import type { GlobalFlags } from './flag-types.js';
import type { Speech } from './session.js';
import { Session } from './session.js';
import { SignalWatch } from './signals.js';
import { unlessStuck } from './stuck.js';
import { createTerminal } from './views/terminal.js';

/**
 * Runs one command in a session of its own.
 *
 * @returns the exit status.
 */
export async function runCommand(
  host: CliHost,
  flags: GlobalFlags,
  speech: Speech,
  work: (session: Session) => Promise<number | void>,
): Promise<number> {
  const terminal = createTerminal(host.stdout, host.stderr, {
    json: flags.json === true,
    color: flags.color,
    level: flags.logLevel ?? (flags.verbose === true ? 'debug' : flags.quiet === true ? 'warn' : 'info'),
    env: host.surroundings.env,
  });
  const watch = new SignalWatch(
    host.signals,
    (signal) => session.note(`${signal}: stopping; once more to stop at once\n`, 'warn'),
    host.exit,
  );
  const session = new Session(terminal, host.surroundings, watch, speech);
  try {
    return await session.run(() => unlessStuck(work(session), host.idle));
  } finally {
    watch.close();
  }
}
