import type { EngineFlags } from '../program.js';
import { formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import { withEngine } from '../engine-session.js';
import { giveToInvoker } from '../ownership.js';

/** `ict lock` */
export async function lock(session: Session, template: string, flags: EngineFlags & { readonly output?: string }): Promise<void> {
  const report = await withEngine(session, flags, (engine) =>
    engine.lock(template, flags.output === undefined ? {} : { output: flags.output }),
  );
  await giveToInvoker([report.file], session.surroundings);
  const what = `${formatCount(report.packages, 'package')}, ${report.tools} for tools`;
  session.result(`${report.file} ${report.changed ? 'written' : 'is up to date'} (${what})\n`);
}
