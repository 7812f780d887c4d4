import { isIctError, toErrorRecord, type ErrorRecord } from '@ict/plugin-api';
import type { Engine, LockOptions, WarmReport } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { exitStatus } from '../exit-status.js';
import type { LockFlags } from '../flag-types.js';
import type { Session } from '../session.js';
import { failureText } from '../views/failure-text.js';
import { formatCount } from '../views/quantity.js';
import { plainText } from '../views/terminal-text.js';

/** What became of one template. */
type Outcome = { readonly template: string } & (WarmReport | { readonly error: ErrorRecord });

/**
 * `ict cache warm`: downloads what templates need, one after the other, so that builds find it. One that fails is told of, and does not keep
 * the others from it.
 *
 * @returns 0, or the status of the first failure.
 */
export async function cacheWarm(session: Session, templates: readonly string[], flags: LockFlags): Promise<number> {
  const options = lockOptions(session, flags);
  const outcomes: Outcome[] = [];
  for (const template of templates) {
    outcomes.push(await withEngine(session, flags, (engine) => warm(template, engine, session, options)));
  }
  const [error] = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  session.document({ ...(error === undefined ? {} : { error }), templates: outcomes });
  session.result(
    outcomes
      .flatMap((outcome) =>
        'error' in outcome ? [] : [`${plainText(outcome.template)}: ${formatCount(outcome.packages, 'package')} in the cache\n`],
      )
      .join(''),
  );
  return error === undefined ? 0 : exitStatus(error);
}

async function warm(template: string, engine: Engine, session: Session, options: LockOptions): Promise<Outcome> {
  try {
    return { template, ...(await engine.warm(template, options)) };
  } catch (thrown) {
    session.signal.throwIfAborted();
    if (!isIctError(thrown)) throw thrown;
    const error = toErrorRecord(thrown);
    session.note(`${failureText(error, session.terminal.colors)}${plainText(template)}: its packages are not all in the cache\n`, 'error');
    return { template, error };
  }
}
