import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenDistribution } from '@ict/template';

/** Where a bundle keeps what was read of a text: reading the YAML of one definition takes a tenth of a short command. */
export function keptDefinitionFile(directory: string, text: string): string {
  return join(directory, 'definitions', `${hash('sha256', text)}.json`);
}

/** What the code of a bundle read of the text of a definition when the bundle was made; undefined for all other texts. */
export function keptDefinition(directory: string, text: string): WrittenDistribution | undefined {
  try {
    return JSON.parse(readFileSync(keptDefinitionFile(directory, text), 'utf8')) as WrittenDistribution;
  } catch {
    return undefined; // Whoever has none reads the text.
  }
}
