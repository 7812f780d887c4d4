import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainTemplate } from '../src/documents/explanation.js';
import { loadTemplate } from '../src/documents/load.js';
import { type PluginSections, templateSchemaWith } from '../src/sections/plugin-section.js';
import { compileSchema } from '../src/validation/schema-compiler.js';
import type { TemplateDefaults } from '../src/schema/template.js';
import { definition, DISK, HEAD, said, workspace } from './workspace.js';

const schema = {
  type: 'object',
  description: 'Hardening.',
  properties: {
    level: { type: 'integer', minimum: 1, maximum: 3, default: 1, description: 'How far it goes.' },
    modules: { type: 'array', items: { $ref: '#/$defs/name' }, default: [] },
    mode: { type: 'string', enum: ['strict', 'relaxed'] },
  },
  required: ['mode'],
  additionalProperties: false,
  $defs: { name: { type: 'string', pattern: '^[a-z]+$' } },
};
const NAME = '@acme/ict-harden';
const sections: PluginSections = new Map([[NAME, { schema, validator: () => compileSchema(schema) }]]);

async function load(files: Readonly<Record<string, string>>, defaults: TemplateDefaults = {}, given: PluginSections = sections) {
  const directory = await workspace(files);
  return loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition(defaults), sections: given });
}

const saying = (text: string) => load({ 'image.yml': `${HEAD}${DISK}plugins:\n  '${NAME}': ${text}\n` });

describe('a section of a template', () => {
  it('reaches the plugin as its schema says, defaults filled in', async () => {
    const { spec, problems } = await saying('{ mode: strict, modules: [usb] }');
    expect(problems).toEqual([]);
    expect(spec?.sections).toEqual({ [NAME]: { mode: 'strict', modules: ['usb'], level: 1 } });
    expect((await load({ 'image.yml': `${HEAD}${DISK}` })).spec).not.toHaveProperty('sections');
  });

  it.each([
    [
      '{ mode: strikt }',
      14 + 1,
      `ICT_DOCUMENT_BAD_VALUE: plugins["${NAME}"].mode is "strikt"; it must be one of: strict, relaxed`,
      'Did you mean "strict"?',
    ],
    ['{ mode: strict, levle: 2 }', 15, `ICT_DOCUMENT_UNKNOWN_KEY: unknown key "levle" in the section of ${NAME}`, 'Did you mean "level"?'],
    [
      '{ mode: strict, x: 1 }',
      15,
      `ICT_DOCUMENT_UNKNOWN_KEY: unknown key "x" in the section of ${NAME}`,
      'Known keys here: level, modules, mode.',
    ],
    ['{ level: 2 }', 15, `ICT_DOCUMENT_MISSING_KEY: the section of ${NAME} needs the key "mode"`, undefined],
    [
      '{ mode: strict, level: 9 }',
      15,
      `ICT_DOCUMENT_BAD_VALUE: plugins["${NAME}"].level is 9; it must be a whole number from 1 to 3`,
      undefined,
    ],
    [
      '{ mode: strict, modules: [USB] }',
      15,
      `ICT_DOCUMENT_BAD_VALUE: plugins["${NAME}"].modules[0] does not fit the schema (pattern)`,
      undefined,
    ],
  ])('%s is a mistake at its place', async (text, line, message, hint) => {
    const { spec, problems } = await saying(text);
    expect(said(problems)).toEqual([message]);
    expect(problems[0]?.position).toMatchObject({ file: expect.stringMatching(/image\.yml$/) as string, line });
    expect(problems[0]?.snippet).toContain(text);
    expect(problems[0]?.hint).toBe(hint);
    expect(spec).toBeUndefined();
  });

  it('is a mistake where no plugin of that name takes any, beside all other mistakes', async () => {
    const text = `${HEAD}${DISK}plugins:\n  '@acme/ict-hardn': {}\n  other: {}\n  '${NAME}': { mode: no }\nlok: x\n`;
    const { problems } = await load({ 'image.yml': text });
    expect(problems.map(({ message, position, hint }) => [message, position?.line, position?.column, hint])).toEqual([
      ['no plugin "@acme/ict-hardn" takes settings from templates', 15, 3, `Did you mean "${NAME}"?`],
      [
        'no plugin "other" takes settings from templates',
        16,
        3,
        'List the plugin under "plugins" in the configuration; one that is listed takes none.',
      ],
      [expect.stringContaining('must be one of: strict, relaxed'), 17, 31, undefined],
      ['unknown key "lok" in the template', 18, 1, 'Did you mean "lock"?'],
    ]);
  });

  it('replaces, plugin by plugin, what was inherited; an empty one replaces nothing', async () => {
    const other = { type: 'object', properties: {}, additionalProperties: true };
    const both: PluginSections = new Map([...sections, ['other', { schema: other, validator: () => compileSchema(other) }]]);
    const parent = `${HEAD}plugins: { '${NAME}': { mode: strict, level: 3 }, other: { a: 1 } }\n`;
    const child = `${HEAD}${DISK}extends: parent.yml\nplugins: { '${NAME}': { mode: relaxed }, other: {} }\n`;
    const below: TemplateDefaults = { plugins: { other: { b: 2 } } };
    const loaded = await load({ 'image.yml': child, 'parent.yml': parent }, below, both);
    expect(loaded.problems).toEqual([]);
    expect(loaded.spec?.sections).toEqual({ [NAME]: { mode: 'relaxed', modules: [], level: 1 }, other: { a: 1 } });
    const explained = explainTemplate(loaded).filter(({ path: at }) => at.startsWith('plugins'));
    expect(explained.map(({ path: at, rule }) => [at, rule])).toContainEqual([`plugins["${NAME}"].mode`, 'replaced as a whole']);
  });

  it('may be all that a template says to a plugin, and still counts', async () => {
    const open = { type: 'object', additionalProperties: true };
    const one: PluginSections = new Map([['other', { schema: open, validator: () => compileSchema(open) }]]);
    expect((await load({ 'image.yml': `${HEAD}${DISK}plugins: { other: {} }\n` }, {}, one)).spec?.sections).toEqual({ other: {} });
  });

  it('of a definition that does not fit is a mistake of the definition', async () => {
    const { problems } = await load({ 'image.yml': `${HEAD}${DISK}` }, { plugins: { [NAME]: { mode: 'no' } } });
    expect(problems.map(({ code }) => code)).toEqual(['ICT_TEMPLATE_DEFAULTS']);
  });

  it('takes variables, and gives away no secret', async () => {
    const text = `variables: { MODE: { default: strict }, KEY: { secret: true, default: hunter2-planted } }\n${HEAD}${DISK}plugins:\n  '${NAME}': { mode: "\${MODE}", modules: ["\${KEY}"] }\n`;
    const { problems } = await load({ 'image.yml': text });
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
    expect((await load({ 'image.yml': text.replace(', modules: ["${KEY}"]', '') })).spec?.sections?.[NAME]).toMatchObject({
      mode: 'strict',
    });
  });
});

it('the schema of templates has the sections of the plugins at hand, references included', () => {
  const validator = compileSchema(templateSchemaWith(sections));
  const template = (plugins: object) => ({
    image: { name: 'a', version: '1' },
    target: { os: 'a', dist: 'b', arch: 'x86_64', imageType: 'raw' },
    plugins,
  });
  expect(validator.check(template({ [NAME]: { mode: 'strict', modules: ['usb'] } }), 'template')).toEqual([]);
  expect(validator.check(template({ [NAME]: { mode: 'strict', modules: ['USB'] } }), 'template')).toHaveLength(1);
  expect(validator.check(template({ other: {} }), 'template')).toMatchObject([{ code: 'ICT_DOCUMENT_UNKNOWN_KEY' }]);
});
