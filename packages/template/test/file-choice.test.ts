import { describe, expect, it } from 'vitest';
import type { TemplateDefaults } from '../src/schema/template.js';
import { DISK, HEAD, load, said } from './workspace.js';

const reading = (system: string, defaults: TemplateDefaults['systemConfig'] = {}) =>
  load(`${HEAD}${DISK}systemConfig: ${system}\n`, { systemConfig: defaults });

describe('the files of packages that a template wants', () => {
  it.each<[string, string, TemplateDefaults['systemConfig'], unknown]>([
    ['all', '{}', {}, undefined],
    ['all, said so', '{ documentation: true, languages: [] }', {}, undefined],
    ['no documentation', '{ documentation: false }', {}, { documentation: false }],
    ['one language', '{ languages: [de] }', {}, { languages: ['de'] }],
    ['no documentation in two', '{ documentation: false, languages: [fr, de] }', {}, { documentation: false, languages: ['de', 'fr'] }],
    [
      'what is more general, once',
      '{ languages: [pt_BR, sr_RS@latin, pt] }',
      {},
      { languages: ['pt', 'pt_BR', 'sr', 'sr_RS', 'sr_RS@latin'] },
    ],
    ['what the definition says', '{}', { documentation: false, languages: ['en'] }, { documentation: false, languages: ['en'] }],
    ['documentation in spite of it', '{ documentation: true }', { documentation: false }, undefined],
    ['its languages replaced', '{ languages: [de] }', { languages: ['en'] }, { languages: ['de'] }],
    ['all languages in spite of it', '{ languages: [all] }', { documentation: false, languages: ['en'] }, { documentation: false }],
  ])('are %s', async (_what, text, defaults, expected) => {
    const { spec, problems } = await reading(text, defaults);
    expect(problems).toEqual([]);
    expect(spec?.system.fileChoice).toEqual(expected);
  });

  it.each([
    ['[de, all]', '"all" stands beside other languages'],
    ['[de_DE.UTF-8]', 'systemConfig.languages[0] is "de_DE.UTF-8"; it must be a language as locales name it'],
    ['["d:e"]', 'systemConfig.languages[0] is "d:e"; it must be a language'],
    ['["../x"]', 'systemConfig.languages[0] is "../x"; it must be a language'],
    ['[de, de]', 'systemConfig.languages has "de" twice'],
  ])('are not said by the languages %s', async (list, message) => {
    const { spec, problems } = await reading(`{ languages: ${list} }`);
    expect(said(problems)).toEqual([expect.stringContaining(`ICT_DOCUMENT_BAD_VALUE: ${message}`)]);
    expect(problems[0]?.position?.column).toBeGreaterThan('systemConfig: { languages: '.length);
    expect(spec).toBeUndefined();
  });
});
