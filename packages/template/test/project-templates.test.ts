import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DistributionDefinition } from '@ict/plugin-api';
import { parseDistribution } from '../src/targets/distribution.js';
import { loadTemplate } from '../src/documents/load.js';
import { parseTemplate } from '../src/documents/template-document.js';
import { unsupported } from '../src/problems/unsupported.js';

const directory = new URL('../../../templates/', import.meta.url);
const names = (await readdir(directory, { recursive: true })).filter((name) => /(?<!distribution)\.yml$/.test(name));

/** What the providers ship, by `dist`. */
const definitions = new Map<string, DistributionDefinition>();
const providers = new URL('../../../providers/', import.meta.url);
for (const provider of await readdir(providers)) {
  const distros = new URL(`${provider}/distros/`, providers);
  for (const name of await readdir(distros)) {
    const file = fileURLToPath(new URL(name, distros));
    const { definition } = parseDistribution(await readFile(file, 'utf8'), file);
    if (definition !== undefined) definitions.set(definition.dist, definition);
  }
}

describe('templates of this project', () => {
  it.each(names.filter((name) => !name.includes('/')))('%s is sound with the definition that it is for, and can be built', async (name) => {
    const file = fileURLToPath(new URL(name, directory));
    const { merged, problems, spec } = await loadTemplate(file, { distribution: ({ dist }) => definitions.get(dist) });
    expect(problems).toEqual([]);
    expect(unsupported(merged!, { imageTypes: ['raw', 'img', 'iso', 'wsl2'] })).toEqual([]);
    expect(definitions.get(spec!.target.dist)).toMatchObject({ os: spec!.target.os });
    // What a template says of its target is what it is called after.
    expect(name).toMatch(new RegExp(`^${spec!.target.dist}-${spec!.target.arch}-(?:minimal|bios)-${spec!.target.imageType}\\.yml$`, 'u'));
  });

  it.each(names)('%s is valid and names its schema', async (name) => {
    const text = await readFile(new URL(name, directory), 'utf8');
    expect(parseTemplate(text, name).problems).toEqual([]);
    const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? '';
    expect(JSON.parse(await readFile(new URL(schema, new URL(name, directory)), 'utf8'))).toHaveProperty(
      '$id',
      'urn:ict:schema:template:1',
    );
  });
});

it('keeps the template of the end-to-end tests as its authors wrote it', async () => {
  const ours = await readFile(new URL('../../../e2e/templates/reference-debian13-x86_64-minimal-raw.yml', import.meta.url));
  expect(ours.equals(await readFile(new URL('fixtures/reference/debian13-x86_64-minimal-raw.yml', import.meta.url)))).toBe(true);
});
