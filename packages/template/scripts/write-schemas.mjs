import { writeFile } from 'node:fs/promises';
import { configSchema, distroSchema, publishedSchema, templateSchema } from '../dist/index.js';
import { schemaPage, TEMPLATE_INTRODUCTION } from '../dist/validation/schema-page.js';

/** Writes the schemas as JSON files, for editors and other programs, and docs/template.md. Run after a build; tests compare them. */
for (const [name, schema] of Object.entries({ template: templateSchema, config: configSchema, distro: distroSchema })) {
  const published = publishedSchema(schema, { references: name !== 'config' });
  await writeFile(new URL(`../schema/${name}.schema.json`, import.meta.url), `${JSON.stringify(published, null, 2)}\n`);
}
await writeFile(new URL('../../../docs/template.md', import.meta.url), schemaPage(templateSchema, TEMPLATE_INTRODUCTION));
