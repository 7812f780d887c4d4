import { IctError } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { ict, Signals } from './fixture.js';

it('ict cache warm downloads for one template after the other', async () => {
  const asked: string[] = [];
  const warm = async (template: string) => {
    asked.push(template);
    return { target: 'acme-acme1-x86_64', packages: 7 };
  };
  const { status, stdout, closed } = await ict(['cache', 'warm', 'a.yml', 'b.yml', '--json'], { engine: { warm } });
  expect(status).toBe(0);
  expect(asked).toEqual(['a.yml', 'b.yml']);
  expect(closed).toBe(2);
  expect(JSON.parse(stdout.text)).toEqual({
    templates: asked.map((template) => ({ template, target: 'acme-acme1-x86_64', packages: 7 })),
  });
});

it('ict cache warm goes on where a template fails, tells of each failure, and ends as the first one', async () => {
  const asked: string[] = [];
  const warm = async (template: string) => {
    asked.push(template);
    if (template === 'a.yml') throw new IctError('ICT_TEMPLATE_INVALID', 'invalid', { message: 'it has no target' });
    if (template === 'c.yml') throw new IctError('ICT_FETCH_STALLED', 'network', { message: 'nothing comes' });
    return { target: 'acme-acme1-x86_64', packages: 7 };
  };
  const templates = ['a.yml', 'b.yml', 'c.yml', 'd.yml'];
  const { status, stdout, stderr } = await ict(['cache', 'warm', ...templates], { engine: { warm } });
  expect(status).toBe(1);
  expect(asked).toEqual(templates);
  expect(stdout.text).toBe('b.yml: 7 packages in the cache\nd.yml: 7 packages in the cache\n');
  expect(stderr.text).toContain('it has no target\n');
  expect(stderr.text).toContain('nothing comes\n');
  expect(stderr.text).toMatch(/^a\.yml: its packages are not all in the cache$/m);
  expect(stderr.text).toMatch(/^c\.yml: its packages are not all in the cache$/m);
  const told = await ict(['cache', 'warm', 'c.yml', 'b.yml', '--json'], { engine: { warm } });
  expect(told.status).toBe(4);
  const error = { code: 'ICT_FETCH_STALLED', kind: 'network', message: 'nothing comes' };
  expect(JSON.parse(told.stdout.text)).toMatchObject({
    error,
    templates: [
      { template: 'c.yml', error },
      { template: 'b.yml', packages: 7 },
    ],
  });
});

it('ict cache warm stops at a signal, whatever the template failed with', async () => {
  const asked: string[] = [];
  const signals = new Signals();
  const warm = async (template: string): Promise<never> => {
    asked.push(template);
    signals.send('SIGINT');
    throw new IctError('ICT_FETCH_CONNECTION', 'network', { message: 'cut' });
  };
  const { status, stdout } = await ict(['cache', 'warm', 'a.yml', 'b.yml', '--json'], { engine: { warm } }, signals);
  expect([status, asked]).toEqual([130, ['a.yml']]);
  expect(JSON.parse(stdout.text)).toMatchObject({ error: { code: 'ICT_CLI_INTERRUPTED' } });
});
