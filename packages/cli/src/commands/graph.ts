import { lockOptions, withEngine } from '../engine-session.js';
import type { GraphFlags } from '../flags.js';
import type { Session } from '../session.js';

/** `ict graph`: a DOT digraph on stdout. */
export async function graph(session: Session, template: string, flags: GraphFlags): Promise<void> {
  const reduce = flags.reduce === true;
  const document = await withEngine(session, flags, (engine) => engine.graph(template, { ...lockOptions(session, flags), reduce }));
  session.document(document);
  session.result(document.dot);
}
