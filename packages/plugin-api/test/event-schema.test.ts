import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TypeReader } from './type-schema.js';

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  readonly oneOf: readonly { readonly $ref: string }[];
  readonly $defs: Readonly<Record<string, unknown>>;
}

const schema = JSON.parse(readFileSync(new URL('../schema/event.schema.json', import.meta.url), 'utf8')) as Schema;
const reader = new TypeReader(
  ['events', 'errors', 'digest', 'lock-changes', 'catalogue'].map((name) => new URL(`../src/${name}.ts`, import.meta.url)),
);
const branches = reader.branches('EventBody');

/** What a schema says beyond types: limits, forms and words for readers. TypeScript cannot say it. */
const refinements = new Set(['description', 'title', 'minimum', 'maximum', 'pattern', 'format']);

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !refinements.has(key) || typeof inner === 'object');
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === 'type' && inner === 'integer' ? 'number' : bare(inner)]));
}

describe('event.schema.json', () => {
  it('has a branch for each event type, and no other', () => {
    expect(branches.size).toBeGreaterThan(20);
    expect(schema.oneOf.map((branch) => branch.$ref)).toEqual([...branches.keys()].map((type) => `#/$defs/${type}`));
  });

  it.each([...branches])('%s says what its type says', (type, shape) => {
    expect(bare(schema.$defs[type])).toEqual(shape);
  });

  it('has what every event has', () => {
    const { properties, required } = reader.common('BuildEvent');
    expect(bare(schema.properties)).toEqual(properties);
    expect(schema.required).toEqual([...(required as string[]), 'type']);
  });

  it('defines the types that events refer to, and no other', () => {
    for (let before = -1; before !== reader.referred.size; ) {
      before = reader.referred.size;
      for (const name of reader.referred) expect(bare(schema.$defs[name]), name).toEqual(reader.named(name));
    }
    expect(Object.keys(schema.$defs).sort()).toEqual([...branches.keys(), ...reader.referred].sort());
  });
});
