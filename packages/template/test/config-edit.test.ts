import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editConfig } from '../src/configuration/config-edit.js';
import { configKeys, WITHOUT_EFFECT } from '../src/configuration/config-keys.js';
import { parseConfig } from '../src/configuration/config-places.js';
import { sampleConfig } from '../src/configuration/config-sample.js';

const set = (text: string, key: string, ...words: readonly string[]) => editConfig(text, 'c.yml', { key, words });
const unset = (text: string, key: string) => editConfig(text, 'c.yml', { key, words: undefined });

describe('setting', () => {
  it.each([
    [
      'a value that is there',
      '# top\n\nwork_dir: /w # why\nworkers: 2 # few\n\n# last\nlogging:\n  # quiet\n  level: warn\n',
      'workers',
      ['8'],
      '# top\n\nwork_dir: /w # why\nworkers: 8 # few\n\n# last\nlogging:\n  # quiet\n  level: warn\n',
    ],
    [
      'a new one, at the end of its group',
      'logging: # group\n  level: warn # quiet\nworkers: 2\n',
      'logging.file',
      ['x.log'],
      'logging:\n  # group\n  level: warn # quiet\n  file: x.log\nworkers: 2\n',
    ],
    ['a group', 'workers: 2\n', 'storage.image_cache.max_count', ['3'], 'workers: 2\nstorage:\n  image_cache:\n    max_count: 3\n'],
    ['a group without a value', 'network:\nworkers: 2\n', 'network.retries', ['0'], 'network:\n  retries: 0\nworkers: 2\n'],
    ['in an empty file', '', 'workers', ['4'], 'workers: 4\n'],
    ['below nothing but comments', '# mine\n', 'workers', ['4'], '# mine\n\nworkers: 4\n'],
    ['a list', 'plugins: [a]\n', 'plugins', ['b', './c'], 'plugins:\n  - b\n  - ./c\n'],
    ['mirrors', '', 'mirrors', ['http://a.example=http://m.example/?q=1'], 'mirrors:\n  http://a.example: http://m.example/?q=1\n'],
    [
      'several mirrors of one archive',
      '',
      'mirrors',
      ['http://a.example=http://m.example', 'http://a.example=http://n.example'],
      'mirrors:\n  http://a.example:\n    - http://m.example\n    - http://n.example\n',
    ],
    ['a text that looks like a number', '', 'cache_dir', ['12'], 'cache_dir: "12"\n'],
    ['true or false', '', 'storage.package_cache.enabled', ['false'], 'storage:\n  package_cache:\n    enabled: false\n'],
  ])('%s', (_what, before, key, words, after) => {
    expect(set(before, key, ...words)).toEqual({ text: after, problems: [] });
  });

  it('leaves what an alias stands for alone', () => {
    const { text } = set('network: &net { retries: 1 }\n', 'network.retries', '2');
    expect(text).toBe('network: &net { retries: 2 }\n');
  });
});

it.each([
  ['logging:\n  level: warn # quiet\n  file: x.log\n', 'logging.level', 'logging:\n  file: x.log\n'],
  ['workers: 2\nstorage:\n  image_cache:\n    max_count: 3\n', 'storage.image_cache.max_count', 'workers: 2\n'],
  ['workers: 2\n', 'cache_dir', 'workers: 2\n'],
])('takes a setting out of %j', (before, key, after) => {
  expect(unset(before, key).text).toBe(after);
});

describe('refuses, and gives no text', () => {
  it.each([
    ['', 'workers', ['many'], 'ICT_DOCUMENT_WRONG_TYPE'],
    ['', 'workers', ['65'], 'ICT_DOCUMENT_BAD_VALUE'],
    ['', 'logging.level', ['loud'], 'ICT_DOCUMENT_BAD_VALUE'],
    ['', 'storage.image_cache.enabled', ['yes'], 'ICT_DOCUMENT_WRONG_TYPE'],
    ['', 'mirrors', ['http://a.example'], 'ICT_DOCUMENT_BAD_VALUE'],
    ['wokers: 1\n', 'workers', ['2'], 'ICT_DOCUMENT_UNKNOWN_KEY'],
    ['workers: [\n', 'workers', ['2'], 'ICT_DOCUMENT_SYNTAX'],
  ])('%j, %s = %j', (before, key, words, code) => {
    const { text, problems } = set(before, key, ...words);
    expect([text, problems[0]?.code]).toEqual([undefined, code]);
  });

  it.each([
    ['loging.level', 'Did you mean "logging.level"?'],
    ['__proto__', 'The settings are: '],
    ['ai', 'The settings are: '],
  ])('the key %s', (key, hint) => {
    expect(() => set('', key, 'x')).toThrow(
      expect.objectContaining({ code: 'ICT_CONFIG_KEY', hint: expect.stringContaining(hint) as string }),
    );
  });
});

it('reads back what was set, whatever stood there', () => {
  const numbers = [...configKeys].filter(([, { type }]) => type === 'integer');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...numbers), fc.integer({ min: 100, max: 100 })), { maxLength: 12 }),
      fc.nat(63),
      (edits, workers) => {
        let text = '# kept\n';
        const expected = new Map<string, number>();
        for (const [[key, { maximum = 0 }], value] of [...edits, [['workers', { maximum: 64 }], workers + 1]] as typeof edits) {
          const wanted = Math.min(value, maximum);
          text = set(text, key, String(wanted)).text ?? '';
          expected.set(key, wanted);
        }
        const { content, problems } = parseConfig(text, 'c.yml', 'named');
        expect(problems).toEqual([]);
        expect(text.startsWith('# kept\n')).toBe(true);
        for (const [key, value] of expected) {
          expect(key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], content)).toBe(value);
        }
      },
    ),
  );
});

describe('the sample', () => {
  const sample = sampleConfig();

  it('sets nothing', () => {
    expect(parseConfig(sample, 'c.yml', 'named')).toMatchObject({ content: {}, problems: [] });
  });

  it('is valid, and sets everything that has an effect, when every example is uncommented', () => {
    const { content, problems } = parseConfig(sample.replaceAll(/^#(?! \S)/gm, ''), 'c.yml', 'named');
    expect(problems).toEqual([]);
    for (const key of configKeys.keys()) {
      if ((WITHOUT_EFFECT as readonly string[]).includes(key)) continue;
      expect(
        key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], content),
        key,
      ).toBeDefined();
    }
  });
});
