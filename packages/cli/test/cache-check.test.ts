import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { document, fill, places, root, useCache, work } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('ict cache check', () => {
  it.each([
    [['--warn-gb', '1', '--crit-gb', '2'], 0],
    [['--warn-gb', '0', '--crit-gb', '2'], 1],
    [['--warn-gb', '0', '--crit-gb', '0'], 2],
  ])('%j exits %i', async (flags, expected) => {
    await fill(0, ['a']);
    const { status, stdout } = await ict(['cache', 'check', ...flags, ...places, '--json']);
    expect(status).toBe(expected);
    expect(JSON.parse(stdout.text)).toMatchObject({ status: expected, directories: [{ what: 'cache' }, { what: 'workspace', status: 0 }] });
  });

  it('measures what links lead to', async () => {
    await fill(0, ['a']);
    await mkdir(work);
    await writeFile(join(work, 'file'), 'x'.repeat(5000));
    for (const name of ['cache', 'work']) await symlink(name, join(root, `${name}-link`));
    const sizes = async (argv: readonly string[]): Promise<readonly number[]> => {
      const { directories } = await document<{ directories: readonly { allocatedBytes: number }[] }>(['check', ...argv]);
      return directories.map(({ allocatedBytes }) => allocatedBytes);
    };
    const direct = await sizes(places);
    expect(Math.min(...direct)).toBeGreaterThan(0);
    expect(await sizes(['--cache-dir', join(root, 'cache-link'), '--work-dir', join(root, 'work-link')])).toEqual(direct);
  });

  it.each([
    ['sizes in the wrong order', ['--warn-gb', '90'], 'ICT_CLI_USAGE'],
    ['a flag that is none', ['--warn', '9'], 'ICT_CLI_USAGE'],
    ['a size that is none', ['--warn-gb', 'much'], 'ICT_CLI_FLAG_INVALID'],
    ['a configuration that is not there', ['--config', '/nonexistent/config.yml'], 'ICT_CONFIG_UNREADABLE'],
  ])('does not take %s for a full disk', async (_what, flags, code) => {
    const { status, stdout } = await ict(['cache', 'check', ...flags, ...places, '--json']);
    expect([status, JSON.parse(stdout.text)]).toMatchObject([3, { error: { code } }]);
  });

  it('ends with the status of any other failure', async () => {
    await writeFile(join(root, 'cache'), 'no directory');
    expect((await ict(['cache', 'check', ...places])).status).toBe(7);
  });
});
