import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sectionOf } from '@ict/plugin-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeTemplateSection, type SectionView, type TemplateSectionFixture } from '../src/index.js';
import { runSuite } from './support/suite-run.js';

const NAME = '@acme/toy';
const SCHEMA = {
  type: 'object',
  description: 'How the image is hardened.',
  properties: {
    level: { type: 'integer', minimum: 1, maximum: 3, description: 'How far it goes.' },
    modules: { type: 'array', items: { type: 'string' }, default: ['usb'], description: 'Modules to keep.' },
    audit: {
      type: 'object',
      description: 'What is written down.',
      properties: { rules: { type: 'array', items: { type: 'string' }, default: [], description: 'Rules.' } },
      additionalProperties: false,
    },
  },
  required: ['level'],
  additionalProperties: false,
};

interface Harden {
  readonly level: number;
  readonly modules: string[];
}

const read = (spec: SectionView): unknown => {
  const section = sectionOf<Harden>(spec, NAME);
  return section === undefined ? undefined : { keep: [...section.modules].sort(), level: section.level };
};

/** A plugin with this schema, in a directory of its own, and what changes in the fixture of it. */
async function toy(schema: object = SCHEMA, change: Partial<TemplateSectionFixture> = {}, section = './section.schema.json') {
  const root = await mkdtemp(join(tmpdir(), 'ict-section-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const files = {
    'plugin/package.json': { name: NAME, ict: { templateSection: section } },
    'plugin/section.schema.json': schema,
    'section.schema.json': schema,
  };
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), JSON.stringify(content));
  }
  const fixture: TemplateSectionFixture = {
    root: join(root, 'plugin'),
    valid: [{ level: 2 }, { level: 1, modules: ['b', 'a'], audit: {} }],
    invalid: [
      { section: { level: 9 }, key: 'level' },
      { section: { level: 1, modlues: [] }, key: 'modlues' },
    ],
    read,
    ...change,
  };
  return fixture;
}

describeTemplateSection('toy', () => toy(), { describe, it, expect });

const without = (schema: object, key: string): object => Object.fromEntries(Object.entries(schema).filter(([name]) => name !== key));

describe('the suite', () => {
  it('passes a section without faults', async () => {
    const { ran, failed } = await runSuite((api) => describeTemplateSection('toy', () => toy(), api));
    expect([ran, failed]).toEqual([8, []]);
  });

  it.each<[string, Parameters<typeof toy>, string]>([
    [
      'does not explain a key',
      [{ ...SCHEMA, properties: { ...SCHEMA.properties, level: { type: 'integer', minimum: 1, maximum: 3 } } }],
      'has a strict schema of a mapping that explains every key',
    ],
    [
      'has a word in its schema that means nothing',
      [{ ...SCHEMA, propertees: {} }],
      'has a strict schema of a mapping that explains every key',
    ],
    ['is refused by its own schema', [SCHEMA, { valid: [{}] }], 'takes what it should, also as part of the schema of templates'],
    ['takes what is wrong', [SCHEMA, { invalid: [{ section: { level: 1 }, key: 'level' }] }], 'refuses what it should, and names the key'],
    ['takes any key', [without(SCHEMA, 'additionalProperties')], 'refuses keys that it does not know'],
    [
      'has a default that it refuses',
      [{ ...SCHEMA, properties: { ...SCHEMA.properties, modules: { ...SCHEMA.properties.modules, default: 'usb' } } }],
      'has defaults that are valid, and complete a section once',
    ],
    [
      'is sorted in place by its reader',
      [SCHEMA, { read: (spec) => sectionOf<Harden>(spec, NAME)?.modules.sort() }],
      'is read the same each time, and not changed',
    ],
    ['must be there for its reader', [SCHEMA, { read: (spec) => sectionOf<Harden>(spec, NAME)!.level }], 'can be absent'],
    ['lies outside of its plugin', [SCHEMA, {}, '../section.schema.json'], 'can be absent'],
    ['is named without being there', [SCHEMA, {}, './none.json'], 'can be absent'],
  ])('catches a section that %s', async (_what, parts, title) => {
    const { failed } = await runSuite((api) => describeTemplateSection('faulty', () => toy(...parts), api));
    expect(failed).toContain(title);
  });
});
