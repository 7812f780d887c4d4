import { compileSchema } from '@ict/template';
import { expect, it } from 'vitest';
import { schemaNames } from '../src/tool-commands.js';
import { ict } from './fixture.js';

it('schema template prints what the plugins at hand make of it', async () => {
  const { stdout, closed } = await ict(['schema', 'template'], { engine: { templateSchema: () => ({ title: 'with sections' }) } });
  expect(JSON.parse(stdout.text)).toEqual({ title: 'with sections' });
  expect(closed).toBe(1);
});

it.each(schemaNames)('schema %s compiles', async (name) => {
  const { status, stdout } = await ict(['schema', name]);
  expect(status).toBe(0);
  const schema = JSON.parse(stdout.text) as { $schema: string };
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(compileSchema(schema).check({}, name).length).toBeGreaterThanOrEqual(0);
});
