import { expect, it } from 'vitest';
import { ict } from './fixture.js';

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
