import { AccidentWatch } from './accidents.js';
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
    (status) => end(status),
  );
  const session = new Session(terminal, host.surroundings, watch, speech);
  const accidents = new AccidentWatch(host.accidents, (error) => host.exit(session.fail(error)));
  const end = (status: number): void => {
    accidents.close();
    host.exit(status);
  };
  try {
    const status = await session.run(() => unlessStuck(accidents.unless(work(session)), host.idle));
    if (accidents.seen) end(status);
    return status;
  } finally {
    accidents.close();
    watch.close();
  }
}
