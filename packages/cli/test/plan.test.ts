import type { PlannedPackage, PlannedStep } from '@ict/core';
import { compileSchema } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { ict, plan } from './fixture.js';

describe('plan', () => {
  it('prints the document that its schema describes', async () => {
    const { stdout } = await ict(['plan', 'a.yml', '--json'], { engine: { plan: async () => plan } });
    const described = await ict(['schema', 'plan']);
    expect(JSON.parse(stdout.text)).toEqual(plan);
    expect(compileSchema(JSON.parse(described.stdout.text) as object).check(plan, 'plan')).toEqual([]);
  });

  it('prints tables for people', async () => {
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => plan } });
    expect(stdout.lines.map((line) => line.trim())).toEqual([
      'acme-acme1-x86_64',
      'Repositories',
      'acme  http://mirror.example/acme one main  2026-01-01T00:00:00.000Z',
      'Packages  1, 0 in the cache, 2.00 KiB',
      'jq  1.7  x86_64  acme  2.00 KiB    template',
      'Tools  1, 1 in the cache, 2.00 KiB, which write the image and are not in it',
      'dosfstools  4.2  x86_64  acme  2.00 KiB  cached  tools',
      'Steps',
      'ict.image     to run          packages changed',
      'acme.base     from the cache',
      'acme.install  to run          packages changed',
      'acme.disk     may run         depends on what acme.install makes',
      'delta: add jq',
      '2.00 KiB to download in 1 package',
    ]);
  });

  it('orders packages by name, and says first that the template asks for one', async () => {
    const [jq] = plan.packages as readonly [(typeof plan.packages)[number]];
    const named = (name: string, requestedBy: readonly string[]) => ({ ...jq, name, requestedBy });
    const packages = [
      named('dbus-bin', ['dbus:amd64', 'essential']),
      named('dbus', ['a:amd64', 'essential', 'template']),
      named('adduser', ['b:all', 'c:all']),
    ];
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => ({ ...plan, packages }) } });
    const rows = stdout.lines.filter((line) => /^ {2}(adduser|dbus)/.test(line));
    expect(rows.map((row) => row.trim().split(/ {2,}/)).map((cells) => [cells[0], cells.at(-1)])).toEqual([
      ['adduser', 'b:all and 1 more'],
      ['dbus', 'template and 2 more'],
      ['dbus-bin', 'essential and 1 more'],
    ]);
  });

  it('gives a package two lines on a terminal that is too narrow for a table', async () => {
    const [first, ...others] = plan.packages as readonly [PlannedPackage, ...PlannedPackage[]];
    const packages = [{ ...first, name: 'linux-image-of-a-long-name', version: '1:6.12.94+acme13-1+rebuilt' }, ...others];
    const { stdout } = await ict(['plan', 'a.yml', '--no-color'], { engine: { plan: async () => ({ ...plan, packages }) }, tty: true });
    expect(stdout.text).toContain(
      ['  linux-image-of-a-long-name  1:6.12.94+acme13-1+rebuilt', '      x86_64  acme  2.00 KiB  template', ''].join('\n'),
    );
    expect(Math.max(...stdout.lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('says that the rest is not needed where the finished image is in the cache', async () => {
    const [image, ...others] = plan.steps as readonly [PlannedStep, ...PlannedStep[]];
    const finished = { ...plan, steps: [{ ...image, hit: true, reason: '' }, ...others], fetchBytes: 0 };
    const { stdout } = await ict(['plan', 'a.yml'], { engine: { plan: async () => finished } });
    expect(stdout.lines.slice(-2)).toEqual([
      '0 B to download in 0 packages',
      'The finished image is in the cache: a build copies it, and runs no other step.',
    ]);
  });
});
