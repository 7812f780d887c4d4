import { writeFile } from 'node:fs/promises';
import { configSchema, distroSchema, templateSchema } from '../dist/index.js';
import { schemaPage, TEMPLATE_INTRODUCTION } from '../dist/validation/schema-page.js';

/** Writes the schemas as JSON files, for editors and other programs, and docs/template.md. Run after a build; tests compare them. */
for (const [name, schema] of Object.entries({ template: templateSchema, config: configSchema, distro: distroSchema })) {
  await writeFile(new URL(`../schema/${name}.schema.json`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
}
await writeFile(new URL('../../../docs/template.md', import.meta.url), schemaPage(templateSchema, TEMPLATE_INTRODUCTION));
