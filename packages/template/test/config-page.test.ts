import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configKeys, configVariables, WITHOUT_EFFECT } from '../src/configuration/config-keys.js';
import { parseConfig } from '../src/configuration/config-places.js';

const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

describe('docs/configuration.md', () => {
  it('has a row for every setting, in their order, with its variable', () => {
    const told = rows.map(([, key, variable]) => [key, variable]);
    expect(told).toEqual([...configKeys.keys()].map((key) => [key, configVariables.get(key) ?? '']));
  });

  it('tells the bounds and words that the schema knows', () => {
    for (const [, key, , , meaning] of rows) {
      const { minimum, maximum, enum: words } = configKeys.get(key as string) ?? { type: 'string' };
      if (minimum !== undefined) expect(meaning).toContain(`${minimum} to ${maximum}`);
      if (words !== undefined) expect(meaning).toContain(words.join(', '));
    }
  });

  it('tells the defaults that the schema knows, and where there is none', () => {
    const said = (value: unknown): string => (typeof value === 'object' ? 'none' : String(value));
    for (const [, key, , told] of rows) {
      const schema = configKeys.get(key as string);
      if (schema?.default !== undefined) expect([key, told]).toEqual([key, said(schema.default)]);
      else if (schema?.description.includes('Absent: ') === false) expect([key, told]).toEqual([key, 'none']);
    }
  });

  it('shows files that are valid, and names what has no effect', () => {
    const files = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text as string);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(parseConfig(file, 'configuration.md', 'named').problems).toEqual([]);
    for (const key of WITHOUT_EFFECT) expect(page).toContain(`\`${key}\``);
  });
});
