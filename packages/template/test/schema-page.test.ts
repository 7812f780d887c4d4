import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { templateSchema } from '../src/schema/template.js';
import { schemaPage, TEMPLATE_INTRODUCTION } from '../src/validation/schema-page.js';
import { compileSchema } from '../src/validation/schema-compiler.js';

const page = await readFile(new URL('../../../docs/template.md', import.meta.url), 'utf8');

/** The schema with nothing required: an example shows one key, not a whole template. */
function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (key === 'required' && Array.isArray(inner) ? [] : [[key, withoutRequired(inner)]])),
  );
}

it('is what docs/template.md holds (node scripts/write-schemas.mjs writes it)', () => {
  expect(page).toBe(schemaPage(templateSchema, TEMPLATE_INTRODUCTION));
});

it('has an example of every key, each valid', () => {
  const sections = page.split('\n## ').slice(1);
  const validator = compileSchema(withoutRequired(templateSchema) as object);
  for (const section of sections) {
    const [, yaml] = /```yaml\n([\s\S]*?)\n```/.exec(section) ?? [];
    expect(yaml, section).toBeDefined();
    expect(validator.check(parse(yaml as string), 'template'), section).toEqual([]);
  }
  // As many as there are descriptions of keys below the root.
  expect(sections.length).toBeGreaterThan(100);
});
