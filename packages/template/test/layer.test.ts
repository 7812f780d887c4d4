import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DISK, HEAD, load, said } from './workspace.js';

const layer = (text: string): string => `${HEAD}${DISK}layers:\n  - ${text}\n`;

it('carries every key of a layer', async () => {
  const text = layer(`name: tools
    run: [ldconfig, [install, -d, /opt/tools]]
    files: [{ local: tool.conf, final: /etc/tool.conf, mode: "0600", owner: root }]
    types: { launch: true, build: true, cache: true }
    env: { MAKEFLAGS: -j2 }
    inputs: [src, tool.conf]
    cacheMounts: [{ id: pip, target: /root/.cache/pip, sharing: locked }, { id: npm, target: /root/.npm }]
    network: true
    metadata: { version: "1.6" }
    invalidateOn: { packages: [nodejs], values: { runtime: "16" } }
    validate: [/bin/check, now]`);
  const { spec, problems, refused, files } = await load(text, {}, { 'tool.conf': '', 'src/a': '' });
  const directory = path.dirname(files[0] as string);
  expect(said([...problems, ...refused])).toEqual([]);
  expect(spec?.layers).toMatchObject([
    {
      name: 'tools',
      run: ['ldconfig', ['install', '-d', '/opt/tools']],
      files: [{ source: path.join(directory, 'tool.conf'), target: '/etc/tool.conf', mode: 0o600, owner: 'root' }],
      types: { launch: true, build: true, cache: true },
      env: { MAKEFLAGS: '-j2' },
      inputs: [
        { source: path.join(directory, 'src'), name: 'src' },
        { source: path.join(directory, 'tool.conf'), name: 'tool.conf' },
      ],
      cacheMounts: [
        { id: 'pip', target: '/root/.cache/pip', sharing: 'locked' },
        { id: 'npm', target: '/root/.npm', sharing: 'shared' },
      ],
      network: true,
      metadata: { version: '1.6' },
      invalidateOn: { packages: ['nodejs'], values: { runtime: '16' } },
      validate: ['/bin/check', 'now'],
      position: { line: 15 },
    },
  ]);
});

describe('the presets of docs/layers.md', async () => {
  const page = await readFile(new URL('../../../docs/layers.md', import.meta.url), 'utf8');
  const presets = page.slice(page.indexOf('\n## Presets'), page.indexOf('\n## Packages'));
  const examples = [...presets.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(
    ([, text]) => [/name: (\w+)/.exec(text as string)?.[1], text] as const,
  );

  it('are all that it shows', () => {
    expect(examples.map(([name]) => name)).toEqual(['app', 'node', 'jdk', 'wheels', 'check']);
  });

  it.each(examples)('%s is a valid part of a template', async (_name, text) => {
    const inputs = [...(text as string).matchAll(/inputs: \[(.*?)\]/g)].flatMap(([, names]) => (names as string).split(', '));
    const files = Object.fromEntries(inputs.map((name) => [name, '']));
    const { problems, refused, spec } = await load(`${HEAD}${DISK}layers:\n${text}`, {}, files);
    expect(said([...problems, ...refused])).toEqual([]);
    expect(spec?.layers.length).toBe((text as string).match(/^- name: /gm)?.length);
  });
});

it('fills in what a layer leaves out', async () => {
  const { spec } = await load(layer('{ name: a, run: ["true"] }'));
  expect(spec?.layers[0]).toMatchObject({
    files: [],
    types: { launch: true, build: false, cache: false },
    env: {},
    inputs: [],
    cacheMounts: [],
    network: false,
    metadata: {},
    invalidateOn: { packages: [], values: {} },
  });
  expect((await load(layer('{ name: a, run: ["true"], types: {} }'))).spec?.layers[0]?.types).toEqual({
    launch: false,
    build: false,
    cache: false,
  });
});

describe('refuses', () => {
  it.each([
    ['{ name: ../x, run: [a] }', 'ICT_TEMPLATE_NAME: "../x" cannot be the name of a layer'],
    ['{ name: a, run: [["", b]] }', 'ICT_DOCUMENT_BAD_VALUE: the command names no program'],
    ['{ name: a, run: [7] }', 'ICT_DOCUMENT_WRONG_TYPE: layers[0].run[0] must be text or a list, but is a number'],
    ['{ name: a, run: [[]] }', 'ICT_DOCUMENT_BAD_VALUE: layers[0].run[0] needs at least 1 entries'],
    ['{ name: a, run: [a], env: { "a b": x } }', 'ICT_TEMPLATE_NAME: "a b" cannot be the name of a variable'],
    ['{ name: a, run: [a], cacheMounts: [{ id: a/b, target: /x }] }', 'ICT_TEMPLATE_NAME: "a/b" cannot be the name of a cache directory'],
    [
      '{ name: a, run: [a], cacheMounts: [{ id: a, target: /x/../y }] }',
      'ICT_TEMPLATE_NAME: "/x/../y" is not the absolute path of a directory',
    ],
    ['{ name: a, run: [a], inputs: [image.yml, ./image.yml] }', 'ICT_DOCUMENT_BAD_VALUE: two inputs are called "image.yml"'],
    ['{ name: a, run: [a] }\n  - { name: a, run: [b] }', 'ICT_DOCUMENT_BAD_VALUE: layers has the name "a" twice; line 15 has it first'],
  ])('%s', async (text, expected) => {
    const { spec, problems } = await load(layer(text));
    expect(said(problems)).toEqual([expected]);
    expect(spec).toBeUndefined();
  });

  it('a build, but not the template, when an input is missing', async () => {
    const { spec, problems, refused } = await load(layer('{ name: a, run: [a], inputs: [nope] }'));
    expect(problems).toEqual([]);
    expect(refused.map(({ code, position }) => [code, position?.line])).toEqual([['ICT_TEMPLATE_FILE_MISSING', 15]]);
    expect(spec?.layers).toHaveLength(1);
  });
});

it.each([
  ['{ name: a }', 'layer "a" neither runs a command nor copies a file'],
  ['{ name: a, run: [a], validate: b }', 'layer "a" keeps nothing that "validate" could decide about'],
])('warns of %s', async (text, expected) => {
  expect(said((await load(layer(text))).warnings)).toEqual([`ICT_TEMPLATE_NO_EFFECT: ${expected}`]);
});

it('merges layers by name, keeping their places', async () => {
  const { spec } = await load(layer('{ name: b, run: [c] }\n  - { name: a, run: [own] }'), {
    layers: [
      { name: 'a', run: ['default'], env: { A: '1' } },
      { name: 'z', run: ['z'] },
    ],
  });
  expect(spec?.layers.map(({ name, run, env }) => [name, run, env])).toEqual([
    ['a', ['own'], {}],
    ['z', ['z'], {}],
    ['b', ['c'], {}],
  ]);
});

it('reads which caches a build uses, key by key, and the lock of the template itself', async () => {
  const defaults = { lock: 'other.lock.yml', build: { cache: { use_image_cache: false, use_package_cache: true } } };
  const { spec, files } = await load(`${HEAD}${DISK}build: { cache: { use_package_cache: false } }\nlock: locks/a.lock.yml\n`, defaults);
  expect(spec?.caches).toEqual({ packages: false, images: false });
  expect(spec?.lockFile).toBe(path.join(path.dirname(files[0] as string), 'locks/a.lock.yml'));
  const plain = await load(`${HEAD}${DISK}`, { lock: 'other.lock.yml' });
  expect(plain.spec?.caches).toEqual({ packages: true, images: true });
  expect(plain.spec?.lockFile).toBeUndefined();
});
