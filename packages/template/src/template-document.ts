import type { ProblemReport } from '@ict/plugin-api';
import { defaultsSchema, type Template, type TemplateDefaults, templateSchema } from './schema/template.js';
import { compileSchema, type Validator } from './validation.js';
import { type DocumentPositions, parseYaml } from './yaml-document.js';

/** One template file, by itself: neither inherited from nor merged. */
export interface ParsedTemplate {
  /** Undefined when `problems` is not empty. */
  readonly template: Template | undefined;
  readonly positions: DocumentPositions;
  /** Everything that is wrong with the text, in file order. */
  readonly problems: readonly ProblemReport[];
}

/** Compiles on first use: loading this module costs nothing. */
export function compiled(schema: object): () => Validator {
  let validator: Validator | undefined;
  return () => (validator ??= compileSchema(schema));
}

const templateValidator = compiled(templateSchema);
const defaultsValidator = compiled(defaultsSchema);

/**
 * Reads the text of a template and checks it against the schema. Never throws: whatever the text is, its faults are in
 * `problems`, all at once.
 *
 * @param file name for positions; nothing is read from disk
 */
export function parseTemplate(text: string, file: string): ParsedTemplate {
  const { data, positions, problems } = parseYaml(text, file);
  if (problems.length > 0) return { template: undefined, positions, problems };
  const found = templateValidator().check(data, 'template', positions);
  return { template: found.length === 0 ? (data as Template) : undefined, positions, problems: found };
}

/** Checks the defaults of a distribution definition; `positions` (with paths from `data`) when they are known. */
export function checkDefaults(
  data: unknown,
  what: string,
  positions?: DocumentPositions,
): { readonly defaults: TemplateDefaults | undefined; readonly problems: readonly ProblemReport[] } {
  const problems = defaultsValidator().check(data, what, positions);
  return { defaults: problems.length === 0 ? (data as TemplateDefaults) : undefined, problems };
}
