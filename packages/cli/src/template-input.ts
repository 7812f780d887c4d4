import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { resolve } from 'node:path';
import { cliError } from './errors.js';
import type { Session } from './session.js';

/** One template to read: a file, or the text of standard input. */
export interface TemplateInput {
  readonly name: string;
  readonly text?: string;
}

/** What stands for standard input. */
const STANDARD_INPUT = '-';

/**
 * The templates that arguments name: patterns that are no file's own name give the files that match, sorted; `-` gives standard input, read once.
 *
 * @throws `ICT_CLI_NO_TEMPLATE` for a pattern that matches nothing
 */
export async function templateInputs(names: readonly string[], { surroundings }: Session): Promise<readonly TemplateInput[]> {
  const inputs = new Map<string, TemplateInput>();
  for (const name of names) {
    if (name === STANDARD_INPUT) {
      if (!inputs.has(name)) inputs.set(name, { name, text: await surroundings.readInput() });
    } else if (/[*?[{]/.test(name) && !existsSync(resolve(surroundings.cwd, name))) {
      const found: string[] = [];
      for await (const file of glob(name, { cwd: surroundings.cwd })) found.push(file);
      found.sort();
      if (found.length === 0) {
        throw cliError('ICT_CLI_NO_TEMPLATE', {
          message: `no file matches ${name}`,
          hint: 'Correct the pattern.',
          facts: { pattern: name },
        });
      }
      for (const file of found) inputs.set(file, { name: file });
    } else inputs.set(name, { name });
  }
  return [...inputs.values()];
}
