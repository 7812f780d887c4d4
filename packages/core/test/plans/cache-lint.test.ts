import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTemplate } from '@ict/template';
import { stringify } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lintCache } from '../../src/plans/cache-lint.js';
import { distribution } from '../support/sample-image.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-lint-'));
  await mkdir(join(place, 'src'));
  await writeFile(join(place, 'src', 'main.c'), '');
  await writeFile(join(place, 'app.conf'), '');
});
afterEach(() => rm(place, { recursive: true }));

const parts = {
  image: { name: 'a', version: '1' },
  target: { os: 'sample', dist: 'sample1', arch: 'x86_64', imageType: 'raw' },
  disk: {
    name: 'd',
    size: '1GiB',
    partitionTableType: 'gpt',
    partitions: [
      { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '257MiB', mountPoint: '/boot/efi' },
      { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '257MiB', end: '0', mountPoint: '/' },
    ],
  },
};

interface Wish {
  readonly layers?: readonly object[];
  readonly files?: readonly object[];
  readonly variables?: object;
  readonly given?: Readonly<Record<string, string>>;
}

/** Findings of a template: severity, code, and line of the text at their place. */
async function lint({ layers, files = [], variables, given = {} }: Wish): Promise<readonly string[]> {
  const system = { name: 'minimal', packages: ['bash'], additionalFiles: files };
  const text = stringify({ ...parts, systemConfig: system, layers, ...(variables === undefined ? {} : { variables }) });
  const file = join(place, 'image.yml');
  await writeFile(file, text);
  const loaded = await loadTemplate(file, { distribution: () => distribution, variables: { given: new Map(Object.entries(given)) } });
  expect([...loaded.problems, ...loaded.refused]).toEqual([]);
  if (loaded.spec === undefined) throw new Error('the template is not sound');
  const found = await lintCache(loaded.spec, loaded);
  return found.map(({ severity, code, position }) => `${severity} ${code} ${text.split('\n')[(position?.line ?? 0) - 1]?.trim()}`);
}

const sources = { name: 'app', inputs: ['src'], run: ['make'] };
const tools = { name: 'tools', run: ['install-tools'] };
const stamp = { name: 'stamp', env: { BUILD: '${BUILD}' }, run: ['echo $BUILD > /build'] };
const build = { BUILD: { default: '0' } };

describe('the order of layers', () => {
  it.each<[string, Wish, readonly string[]]>([
    ['stable below volatile', { layers: [tools, sources, stamp], variables: build, given: { BUILD: '7' } }, []],
    ['sources below tools', { layers: [sources, tools] }, ['warning ICT_LINT_ORDER - name: tools']],
    [
      'a build number below sources',
      { layers: [stamp, sources], variables: build, given: { BUILD: '7' } },
      ['error ICT_LINT_ORDER - name: app'],
    ],
    ['a variable with its default', { layers: [stamp, { ...tools }], variables: build }, []],
    [
      'a variable in a command, which is the shell’s',
      { layers: [{ name: 'stamp', run: ['echo ${BUILD}'] }, tools], variables: build, given: { BUILD: '7' } },
      [],
    ],
    ['a written dollar', { layers: [{ ...stamp, env: { BUILD: '$${BUILD}' } }, tools], variables: build, given: { BUILD: '7' } }, []],
    ['a check above sources', { layers: [sources, { name: 'check', types: {}, run: ['test -x /usr/bin/app'] }] }, []],
    ['a check of sources below tools', { layers: [{ ...sources, types: {} }, tools] }, []],
    ['no layers', {}, []],
  ])('%s', async (_what, wish, expected) => {
    expect(await lint(wish)).toEqual(expected);
  });
});

describe('inputs', () => {
  it.each<[string, () => Promise<unknown>, readonly string[], readonly string[]]>([
    ['a directory of sources', async () => undefined, ['src'], []],
    ['a file', async () => undefined, ['app.conf'], []],
    ['a clone', () => mkdir(join(place, 'src', '.git')), ['app.conf', 'src'], ['error ICT_LINT_INPUT - src']],
    ['the directory of the template', async () => undefined, ['.'], ['error ICT_LINT_INPUT - .']],
  ])('%s', async (_what, prepare, inputs, expected) => {
    await prepare();
    expect(await lint({ layers: [{ name: 'app', inputs, run: ['make'] }] })).toEqual(expected);
  });
});

describe('the network', () => {
  const fetch = { name: 'fetch', network: true, run: ['fetch'] };
  it.each<[string, object, boolean]>([
    ['alone', {}, true],
    ['with a version', { metadata: { version: '1' } }, false],
    ['with a value', { invalidateOn: { values: { version: '1' } } }, false],
    ['with an input', { inputs: ['app.conf'] }, false],
    ['with a command that decides', { types: { launch: true, cache: true }, validate: 'echo keep' }, false],
  ])('%s', async (_what, more, warned) => {
    expect(await lint({ layers: [{ ...fetch, ...more }] })).toEqual(warned ? ['warning ICT_LINT_NETWORK - name: fetch'] : []);
  });
});

describe('files below all layers', () => {
  const small = { local: 'app.conf', final: '/etc/app.conf' };
  const large = { local: 'payload', final: '/srv/payload' };
  beforeEach(async () => {
    await writeFile(join(place, 'payload'), '');
    await truncate(join(place, 'payload'), 2 * 1024 ** 2);
  });

  it.each<[string, Wish, readonly string[]]>([
    ['small', { files: [small], layers: [tools] }, []],
    ['large', { files: [small, large], layers: [tools] }, ['warning ICT_LINT_CONFIGURATION - local: payload']],
    ['large, with nothing above', { files: [large] }, []],
    ['large, below a check', { files: [large], layers: [{ ...tools, types: {} }] }, []],
    [
      'named by the caller',
      { files: [{ ...small, local: '${NAME}' }], layers: [tools], variables: { NAME: { default: 'x' } }, given: { NAME: 'app.conf' } },
      ['error ICT_LINT_CONFIGURATION - local: ${NAME}'],
    ],
  ])('%s', async (_what, wish, expected) => {
    expect(await lint(wish)).toEqual(expected);
  });
});
