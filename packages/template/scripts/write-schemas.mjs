import { writeFile } from 'node:fs/promises';
import { configSchema, distroSchema, templateSchema } from '../dist/index.js';

/** Writes the schemas as JSON files, for editors and other programs. Run after a build; a test compares them. */
for (const [name, schema] of Object.entries({ template: templateSchema, config: configSchema, distro: distroSchema })) {
  await writeFile(new URL(`../schema/${name}.schema.json`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
}
