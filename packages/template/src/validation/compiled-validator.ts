import { createRequire } from 'node:module';
import { digestOf } from '@ict/integrity';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { compileSchema } from './schema-compiler.js';
import { validatorOf, type Validator } from './validation.js';

const require = createRequire(import.meta.url);

/** What `scripts/compile-schemas.mjs` writes when this package is built. */
interface CompiledModule {
  readonly default: ValidateFunction;
  /** {@link schemaDigest} of the schema that it was made of. */
  readonly schemaDigest: string;
}

/**
 * The validator of one of our own schemas, loaded at first use: as the build compiled it, because compiling takes longer than all else that
 * happens to a template. One of another state of the schema is not used; then, or when there is none, the schema is compiled now.
 *
 * @param directory of compiled modules. From `src` (tests) and from `dist` the path is the same.
 */
export function compiled(name: string, schema: object, directory = '../../dist/validators'): () => Validator {
  let validator: Validator | undefined;
  return () => (validator ??= loadCompiled(`${directory}/${name}.js`, schema) ?? compileSchema(schema));
}

/** Names a state of a schema: its text, keys in the order of the source, because sorting them at every start takes longer than hashing. */
export function schemaDigest(schema: object): string {
  return digestOf(JSON.stringify(schema));
}

function loadCompiled(path: string, schema: object): Validator | undefined {
  let module: CompiledModule;
  try {
    module = require(path) as CompiledModule;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  return module.schemaDigest === schemaDigest(schema) ? validatorOf(module.default) : undefined;
}
