import { readFile } from 'node:fs/promises';
import { configSchema, distroSchema, publishedSchema } from '@ict/template';
import { withEngine } from '../engine-session.js';
import type { GlobalFlags } from '../flag-types.js';
import type { SchemaName } from '../tool-commands.js';
import type { Session } from '../session.js';

/** Those that lie in a file as they are. */
const files: Readonly<Record<Exclude<SchemaName, 'template' | 'config' | 'distro'>, string>> = {
  event: import.meta.resolve('@ict/plugin-api/schema/event.schema.json'),
  manifest: import.meta.resolve('@ict/sbom/manifest.schema.json'),
  plan: new URL('../../schema/plan.schema.json', import.meta.url).href,
  why: new URL('../../schema/why.schema.json', import.meta.url).href,
  'why-not': new URL('../../schema/why-not.schema.json', import.meta.url).href,
  search: new URL('../../schema/search.schema.json', import.meta.url).href,
  show: new URL('../../schema/show.schema.json', import.meta.url).href,
  graph: new URL('../../schema/graph.schema.json', import.meta.url).href,
  inspect: new URL('../../schema/inspect.schema.json', import.meta.url).href,
  compare: new URL('../../schema/compare.schema.json', import.meta.url).href,
  explanation: new URL('../../schema/explanation.schema.json', import.meta.url).href,
  lock: new URL('../../schema/lock.schema.json', import.meta.url).href,
};

/** `ict schema`: the JSON schema of a document, with or without `--json`; of templates with what the plugins at hand let them say. */
export async function schema(session: Session, name: SchemaName, flags: GlobalFlags): Promise<void> {
  const document =
    name === 'template'
      ? await withEngine(session, { ...flags, hostMirrors: false }, async (engine) => engine.templateSchema())
      : await schemaOf(name);
  session.document(document);
  session.result(`${JSON.stringify(document, null, 2)}\n`);
}

/** The JSON schema (2020-12) of one kind of document. */
export async function schemaOf(name: Exclude<SchemaName, 'template'>): Promise<unknown> {
  if (name === 'config') return publishedSchema(configSchema, { references: false });
  if (name === 'distro') return publishedSchema(distroSchema, { references: true });
  return JSON.parse(await readFile(new URL(files[name]), 'utf8'));
}
