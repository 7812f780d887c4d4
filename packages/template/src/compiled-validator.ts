import { createRequire } from 'node:module';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { validatorOf, type Validator } from './validation.js';

const require = createRequire(import.meta.url);

/**
 * The validator of one of our own schemas, compiled when this package was built (`scripts/compile-schemas.mjs`) and loaded at first use:
 * compiling one takes longer than all else that happens to a template. From `src` (tests) and from `dist` the path is the same.
 */
export function compiled(name: 'template' | 'defaults' | 'config' | 'distro'): () => Validator {
  let validator: Validator | undefined;
  return () => (validator ??= validatorOf((require(`../dist/validators/${name}.js`) as { default: ValidateFunction }).default));
}
