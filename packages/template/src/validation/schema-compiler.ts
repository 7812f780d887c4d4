import { createRequire } from 'node:module';
import type * as AjvMain from 'ajv';
import type * as AjvModern from 'ajv/dist/2020.js';
import type AjvStandalone from 'ajv/dist/standalone/index.js';
import { formatChecks } from './format-checks.js';
import { validatorOf, type Validator } from './validation.js';

/** The compiler takes a quarter of a second to load and run: only who compiles pays for it. */
const require = createRequire(import.meta.url);

/**
 * Compiles a schema (2020-12). Formats are checked, unknown keywords and formats in the schema are errors.
 *
 * @throws an Error that says where a schema is none.
 */
export function compileSchema(schema: AjvModern.AnySchemaObject): Validator {
  const ajv = createCompiler();
  if (ajv.validateSchema(schema) === false) throw new Error(tellInvalid(ajv.errors ?? []));
  return validatorOf(ajv.compile(schema));
}

/** The first place of a schema that is none: whatever else is told of it follows from that. */
function tellInvalid([first]: readonly AjvModern.ErrorObject[]): string {
  if (first === undefined) return 'it is no JSON Schema';
  const { instancePath, data, params } = first;
  return `it is no JSON Schema: ${instancePath === '' ? 'it' : instancePath} is ${JSON.stringify(data)}, which does not fit ${JSON.stringify(params)}`;
}

/**
 * The text of an ECMAScript module whose default export checks data against `schema`, as {@link compileSchema} would.
 *
 * @param formatModule specifier, from the module, of the module that exports `formatChecks`.
 */
export function compileToModule(schema: AjvModern.AnySchemaObject, formatModule: string): string {
  const { _ } = require('ajv') as typeof AjvMain;
  const { default: standaloneCode } = require('ajv/dist/standalone/index.js') as typeof AjvStandalone;
  const ajv = createCompiler(_`formatChecks`);
  const written = standaloneCode(ajv, ajv.compile(schema) as AjvModern.ValidateFunction);
  // One character that is not ASCII would make Node keep the whole text in two bytes each; here, all are in texts.
  const code = written.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [
    `import { createRequire } from 'node:module';`,
    `import { formatChecks } from ${JSON.stringify(formatModule)};`,
    // What the code needs of the compiler's run-time library, it asks for in the manner of CommonJS.
    `const require = createRequire(import.meta.url);`,
    code,
    '',
  ].join('\n');
}

function createCompiler(formatsCode?: AjvMain.Code): AjvModern.Ajv2020 {
  const { Ajv2020: Compiler } = require('ajv/dist/2020.js') as typeof AjvModern;
  const code = formatsCode === undefined ? {} : { code: { source: true, esm: true, formats: formatsCode } };
  const ajv = new Compiler({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true, messages: false, ...code });
  for (const [name, format] of Object.entries(formatChecks)) ajv.addFormat(name, format);
  return ajv;
}
