import { mkdir, writeFile } from 'node:fs/promises';
import { configSchema, defaultsSchema, distroSchema, templateSchema } from '../dist/index.js';
import { compileToModule } from '../dist/schema-compiler.js';

/** Compiles the schemas to modules in `dist/validators`: part of the build. */
const directory = new URL('../dist/validators/', import.meta.url);
await mkdir(directory, { recursive: true });
for (const [name, schema] of Object.entries({
  template: templateSchema,
  defaults: defaultsSchema,
  config: configSchema,
  distro: distroSchema,
})) {
  await writeFile(new URL(`${name}.js`, directory), compileToModule(schema, '../format-checks.js'));
}
