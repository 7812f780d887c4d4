import { resolve } from 'node:path';
import { writeUserFile } from '../config-file.js';
import { lockOptions, withEngine } from '../engine-session.js';
import type { GraphFlags } from '../question-commands.js';
import type { Session } from '../session.js';

/** `ict graph`: a DOT digraph or a drawing of it, on stdout or in a file. */
export async function graph(session: Session, template: string, flags: GraphFlags): Promise<void> {
  const { format, output } = flags;
  const reduce = flags.reduce === true;
  const document = await withEngine(session, flags, (engine) => engine.graph(template, { ...lockOptions(session, flags), reduce }));
  const { dot, edges } = document;
  const text = format === 'svg' ? await (await import('../svg-thread.js')).drawInThread({ dot, edges: edges.length }, session.signal) : dot;
  session.document(format === 'svg' ? { ...document, svg: text } : document);
  if (output === undefined) {
    session.result(text);
    return;
  }
  const file = resolve(session.surroundings.cwd, output);
  await writeUserFile(file, text, session.surroundings);
  session.note(`wrote ${file}\n`);
}
