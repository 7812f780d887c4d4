import { resolve } from 'node:path';
import type { WarmReport } from '@ict/core';
import { withEngine } from '../engine-session.js';
import type { LockFlags } from '../flag-types.js';
import { formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import { plainText } from '../views/terminal-text.js';

/** `ict cache warm`: downloads what templates need, one after the other, so that builds find it. */
export async function cacheWarm(session: Session, templates: readonly string[], flags: LockFlags): Promise<void> {
  const { lock, frozen } = flags;
  const options = {
    ...(lock === undefined ? {} : { lock: resolve(session.surroundings.cwd, lock) }),
    ...(frozen === undefined ? {} : { frozen }),
  };
  const reports: (WarmReport & { readonly template: string })[] = [];
  for (const template of templates) {
    reports.push({ template, ...(await withEngine(session, flags, (engine) => engine.warm(template, options))) });
  }
  session.document({ templates: reports });
  session.result(
    reports.map(({ template, packages }) => `${plainText(template)}: ${formatCount(packages, 'package')} in the cache\n`).join(''),
  );
}
