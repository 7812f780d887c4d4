import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../src/schema/config.js';
import { distroSchema } from '../src/schema/distro.js';
import { templateSchema } from '../src/schema/template.js';
import { templateError } from '../src/errors.js';
import { publishedSchema } from '../src/validation/published-schema.js';
import { compileSchema } from '../src/validation/schema-compiler.js';

const schemas = { template: templateSchema, config: configSchema, distro: distroSchema };

type Node = Readonly<Record<string, unknown>>;

/** Every schema below one, with its path, and whether its key must be given. */
function* walk(node: Node, path: string, required = false): Generator<readonly [string, Node, boolean]> {
  yield [path, node, required];
  const needed = (node['required'] ?? []) as readonly string[];
  for (const [key, value] of Object.entries((node['properties'] ?? {}) as Record<string, Node>))
    yield* walk(value, `${path}.${key}`, needed.includes(key));
  for (const key of ['items', 'additionalProperties']) if (typeof node[key] === 'object') yield* walk(node[key] as Node, `${path}[]`);
}

describe.each(Object.entries(schemas))('%s', (name, schema) => {
  const keys = [...walk(schema as Node, name)];

  it('is what the JSON file says (node scripts/write-schemas.mjs writes it)', async () => {
    const file = new URL(`../schema/${name}.schema.json`, import.meta.url);
    const published = publishedSchema(schema, { references: name !== 'config' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(published)));
  });

  it('describes every key, with an example that is valid', () => {
    // All keys side by side in one schema: one compilation checks every example.
    const properties: Record<string, Node> = {};
    const data: Record<string, unknown> = {};
    for (const [path, node] of keys) {
      if (path.endsWith('[]') || path === name) continue;
      expect(node['description'], path).toBeTypeOf('string');
      const examples = (node['examples'] ?? []) as readonly unknown[];
      expect(examples.length, path).toBeGreaterThan(0);
      for (const [index, example] of examples.entries()) {
        properties[`${path} ${index}`] = 'required' in node ? { ...node, required: [] } : node;
        data[`${path} ${index}`] = example;
      }
    }
    expect(compileSchema({ type: 'object', properties }).check(data, name)).toEqual([]);
  });

  it('names a valid default, says what counts without one, or has none at all', () => {
    const properties: Record<string, Node> = {};
    const data: Record<string, unknown> = {};
    for (const [path, node, required] of keys) {
      const absent = /Absent/.test(String(node['description']));
      // One word on it each: a default, a description of what counts, or that the key must be given.
      const said = [node['default'] !== undefined, absent, required].filter(Boolean).length;
      expect(said, path).toBeLessThanOrEqual(1);
      // A switch has no third state.
      if (node['type'] === 'boolean') expect(said, path).toBe(1);
      if (node['default'] === undefined) continue;
      properties[path] = node;
      data[path] = node['default'];
    }
    expect(Object.keys(properties).length).toBeGreaterThan(10);
    expect(compileSchema({ type: 'object', properties }).check(data, name)).toEqual([]);
  });

  it('knows its keys: unknown ones are refused', () => {
    for (const [path, node] of keys) {
      if (node['properties'] !== undefined) expect(node['additionalProperties'], path).toBe(false);
    }
  });
});

it('has a page for every code', async () => {
  for (const code of Object.keys(templateError.codes)) {
    const page = await readFile(new URL(`../../../docs/errors/${code}.md`, import.meta.url), 'utf8');
    expect(page.split('\n')[0]).toBe(`# ${code}`);
  }
});
