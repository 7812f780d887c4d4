import { mkdir, writeFile } from 'node:fs/promises';
import { configSchema, defaultsSchema, distroSchema, templateSchema } from '../dist/index.js';
import { schemaDigest } from '../dist/validation/compiled-validator.js';
import { compileToModule } from '../dist/validation/schema-compiler.js';

/** Compiles the schemas to modules in `dist/validators`: part of the build. */
const directory = new URL('../dist/validators/', import.meta.url);
await mkdir(directory, { recursive: true });
for (const [name, schema] of Object.entries({
  template: templateSchema,
  defaults: defaultsSchema,
  config: configSchema,
  distro: distroSchema,
})) {
  const module = compileToModule(schema, '../validation/format-checks.js');
  await writeFile(new URL(`${name}.js`, directory), `${module}export const schemaDigest = ${JSON.stringify(schemaDigest(schema))};\n`);
}
