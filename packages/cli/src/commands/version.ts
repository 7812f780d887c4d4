import { readFile } from 'node:fs/promises';
import type { Session } from '../session.js';

/** `ict version` */
export async function version(session: Session): Promise<void> {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const facts = {
    ict: manifest.version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    pluginApi: 1,
    code: session.surroundings.code,
  };
  session.document(facts);
  session.result(`ict ${facts.ict}\nnode ${facts.node}\nplatform ${facts.platform}\nplugin API ${facts.pluginApi}\ncode ${facts.code}\n`);
}
