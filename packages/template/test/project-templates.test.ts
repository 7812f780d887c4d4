import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../src/template-document.js';

const directory = new URL('../../../templates/', import.meta.url);
const names = (await readdir(directory, { recursive: true })).filter((name) => /(?<!distribution)\.yml$/.test(name));

describe('templates of this project', () => {
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
