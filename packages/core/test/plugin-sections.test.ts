import { sectionOf, type ImageSpec, type Json } from '@ict/plugin-api';
import { describeTemplateSection, fakeContext } from '@ict/plugin-testkit';
import { compileSchema, templateSchemaWith } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { documents, formatSteps } from '../src/finalize/finalization.js';
import type { Lock } from '../src/locks/lock.js';
import { PluginHost } from '../src/plugins/plugin-host.js';
import { specFor } from '../src/plugins/plugin-view.js';
import type { StepEngine } from '../src/steps.js';
import { readTemplate } from '../src/templates/template-intake.js';
import { digestOfAll, distribution, sampleProvider, sampleSpec } from './support/sample-image.js';
import { eachInWorkspace, TOY_DEFINITION, TOY_HEAD, TOY_PARTS } from './support/toy-plugin.js';

/** The type that the toy plugin's schema describes. */
interface Harden {
  readonly level: number;
  readonly modules: readonly string[];
}

const SCHEMA = {
  type: 'object',
  description: 'How the image is hardened.',
  properties: {
    level: { type: 'integer', minimum: 1, maximum: 3, description: 'How far it goes.' },
    modules: { type: 'array', items: { type: 'string' }, default: ['usb'], description: 'Modules to keep.' },
  },
  required: ['level'],
  additionalProperties: false,
};

/** A toy: a provider and a format that refuse by what the template says to them, and an exporter that writes it down. */
const CODE = `${TOY_PARTS}const said = (spec) => spec.sections?.['@acme/toy'];
export default {
  apiVersion: 1,
  providers: [provider],
  formats: [{ ...format, check: (spec) => [{ code: 'TOY_SAID', severity: 'warning', message: JSON.stringify(spec.sections ?? null) }] }],
  exporters: [{ ...exporter, export: ({ spec }) => new TextEncoder().encode(JSON.stringify(said(spec))) }],
};`;

const TEMPLATE = `${TOY_HEAD}plugins:\n`;

const { path, write } = eachInWorkspace();

async function host(schema: object = SCHEMA): Promise<PluginHost> {
  const ict = { apiVersion: 1, plugin: './dist/plugin.js', ecosystems: ['toy'], imageTypes: ['toy'], exporters: ['toy'] };
  const manifest = { ...ict, distros: ['distros/*.yml'], templateSection: './section.schema.json' };
  await write('toy/package.json', JSON.stringify({ name: '@acme/toy', version: '1.0.0', type: 'module', ict: manifest }));
  await write('toy/dist/plugin.js', CODE);
  await write('toy/distros/toy1.yml', TOY_DEFINITION);
  await write('toy/section.schema.json', JSON.stringify(schema));
  return PluginHost.open([path('toy')], []);
}

const read = async (sections: string, plugins: PluginHost) => readTemplate(await write('image.yml', `${TEMPLATE}${sections}`), plugins);

describeTemplateSection(
  'toy plugin',
  async () => {
    await host();
    return {
      root: path('toy'),
      valid: [{ level: 1 }, { level: 3, modules: [] }],
      invalid: [
        { section: { level: 9 }, key: 'level' },
        { section: { level: 1, modlues: [] }, key: 'modlues' },
      ],
      read: (spec) => sectionOf<Harden>(spec, '@acme/toy'),
    };
  },
  { describe, it, expect },
);

describe('what a template says to a plugin', () => {
  it('reaches its parts typed, checked and complete', async () => {
    const { intake, problems, warnings } = await read(`  '@acme/toy': { level: 2 }\n`, await host());
    expect(problems).toEqual([]);
    expect(sectionOf<Harden>(intake?.spec as ImageSpec, '@acme/toy')).toEqual({ level: 2, modules: ['usb'] });
    expect(sectionOf(intake?.spec as ImageSpec, 'constructor')).toBeUndefined();
    expect(warnings.filter(({ code }) => code === 'TOY_SAID')[0]?.message).toBe('{"@acme/toy":{"level":2,"modules":["usb"]}}');
    const silent = await read('', await host());
    expect(silent.warnings.filter(({ code }) => code === 'TOY_SAID')[0]?.message).toBe('{}');
  });

  it('is checked by the schema of the plugin, at its place, as everything else', async () => {
    const { problems } = await read(`  '@acme/toy': { level: 9, modlues: [] }\n  '@acme/tpy': {}\n`, await host());
    const file = path('image.yml');
    expect(problems.map(({ code, position, hint }) => ({ code, position, hint }))).toEqual([
      { code: 'ICT_DOCUMENT_BAD_VALUE', position: { file, line: 4, column: 25 }, hint: undefined },
      { code: 'ICT_DOCUMENT_UNKNOWN_KEY', position: { file, line: 4, column: 28 }, hint: 'Did you mean "modules"?' },
      { code: 'ICT_DOCUMENT_UNKNOWN_KEY', position: { file, line: 5, column: 3 }, hint: 'Did you mean "@acme/toy"?' },
    ]);
    expect(problems[0]?.snippet).toContain('^');
  });

  it('is part of the schema of templates', async () => {
    const { sections } = await host();
    const validator = compileSchema(templateSchemaWith(sections));
    const template = (level: number) => ({
      image: { name: 'a', version: '1' },
      target: { os: 'a', dist: 'b', arch: 'x86_64', imageType: 'raw' },
      plugins: { '@acme/toy': { level } },
    });
    expect([validator.check(template(1), 'template').length, validator.check(template(9), 'template').length]).toEqual([0, 1]);
  });

  it.each([
    ['with a word that means nothing', { ...SCHEMA, propertees: {} }],
    ['with a reference that leads nowhere', { ...SCHEMA, properties: { level: { $ref: '#/$defs/none' } } }],
  ])('cannot be checked by a schema %s: the plugin is at fault, and named', async (_what, schema) => {
    const plugins = await host(schema);
    await expect(read('', plugins)).resolves.toMatchObject({ problems: [] });
    await expect(read(`  '@acme/toy': { level: 1 }\n`, plugins)).rejects.toMatchObject({
      code: 'ICT_PLUGIN_INVALID',
      message: expect.stringContaining('section.schema.json') as string,
    });
  });
});

describe('in keys', () => {
  const spec = (sections: Readonly<Record<string, Json>>): ImageSpec => ({ ...sampleSpec(), sections });

  it('a step of the format has what is said to its own plugin', async () => {
    const keys: Json[] = [];
    const steps = { run: async ({ key }: { key: Json }) => void keys.push(key) } as unknown as StepEngine;
    const by = { name: '@acme/toy', version: '1' };
    const sections: readonly Readonly<Record<string, Json>>[] = [
      {},
      { '@acme/toy': { level: 1 } },
      { '@acme/toy': { level: 2 } },
      { other: { level: 1 } },
    ];
    for (const said of sections) {
      await formatSteps(steps, by, spec(said)).step('toy.disk', 1, { a: 1 }, async () => null);
    }
    expect(keys).toEqual([{ a: 1 }, { step: { a: 1 }, section: { level: 1 } }, { step: { a: 1 }, section: { level: 2 } }, { a: 1 }]);
  });

  it('a plugin sees nothing that is said to others, so that it need not be keyed by it', () => {
    const all = spec({ '@acme/toy': { level: 1 }, other: { level: 2 } });
    expect(specFor(all, { name: 'other', version: '1' }).sections).toEqual({ other: { level: 2 } });
    expect(specFor(all, { name: 'third', version: '1' }).sections).toEqual({});
  });
});

it('a document of an exporter is made from what is said to its plugin', async () => {
  await using ctx = fakeContext();
  const plugins = await host();
  const made = documents(
    await plugins.exporters(),
    {
      spec: { ...sampleSpec(), sections: { '@acme/toy': { level: 3 } } },
      distribution,
      provider: { part: sampleProvider({}), identity: { name: 'p', version: '1' } },
      seed: digestOfAll('e'),
      core: { name: 'ict', version: '1' },
    } as unknown as Parameters<typeof documents>[1],
    { packages: [], repositories: [] } as unknown as Lock,
    [],
    [],
    ctx,
  );
  expect(new TextDecoder().decode(made.get('sample-1.toy.json'))).toBe('{"level":3}');
});
