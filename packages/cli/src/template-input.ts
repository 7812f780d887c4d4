import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isIctError, toErrorRecord, type ErrorRecord } from '@ict/plugin-api';
import { cliError } from './errors.js';
import type { Session } from './session.js';

/** One template to read: a file, or the text of standard input; or why there is none. */
export interface TemplateInput {
  readonly name: string;
  readonly text?: string;
  readonly error?: ErrorRecord;
}

/** What stands for standard input. */
const STANDARD_INPUT = '-';

/** How the names of locks end, which lie beside their templates. */
const LOCK = '.lock.yml';

/**
 * The templates that arguments name, each once: patterns that are no file's own name give the files that match, sorted and without locks, or
 * `ICT_CLI_NO_TEMPLATE` when there are none; `-` gives standard input, or `ICT_CLI_INPUT`.
 */
export async function templateInputs(names: readonly string[], { surroundings, signal }: Session): Promise<readonly TemplateInput[]> {
  const inputs = new Map<string, TemplateInput>();
  for (const name of names) {
    if (inputs.has(name)) continue;
    if (name === STANDARD_INPUT) inputs.set(name, await standardInput(surroundings, signal));
    else if (/[*?[{]/.test(name) && !existsSync(resolve(surroundings.cwd, name))) {
      for (const input of await matches(name, surroundings.cwd)) inputs.set(input.name, input);
    } else inputs.set(name, { name });
  }
  return [...inputs.values()];
}

async function standardInput(surroundings: Session['surroundings'], signal: AbortSignal): Promise<TemplateInput> {
  try {
    return { name: STANDARD_INPUT, text: await surroundings.readInput(signal) };
  } catch (error) {
    if (!isIctError(error)) throw error;
    return { name: STANDARD_INPUT, error: toErrorRecord(error) };
  }
}

async function matches(pattern: string, cwd: string): Promise<readonly TemplateInput[]> {
  const found: string[] = [];
  for await (const file of glob(pattern, { cwd })) if (!file.endsWith(LOCK)) found.push(file);
  if (found.length > 0) return found.sort().map((name) => ({ name }));
  const error = cliError('ICT_CLI_NO_TEMPLATE', {
    message: `no template matches ${pattern}`,
    hint: 'Correct the pattern.',
    facts: { pattern },
  });
  return [{ name: pattern, error: toErrorRecord(error) }];
}
