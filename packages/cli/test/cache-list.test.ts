import { chmodSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { document, fill, places, provider, root, storeResult, useCache, type Listed } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('ict cache list', () => {
  it('shows every kind, the last used first', async () => {
    await storeResult(await fill(2, ['old']));
    await fill(0, ['new']);
    const { entries } = await document<Listed>(['list', ...places]);
    expect(entries.map(({ kind }) => kind).sort()).toEqual(['blob', 'package', 'package', 'step']);
    expect(entries[0]).toMatchObject({ kind: 'package', id: `${provider}/new-1.pkg` });
    expect(Date.parse(entries[0]?.lastUsed as string)).toBeGreaterThan(Date.now() - 3_600_000);
    const text = (await ict(['cache', 'list', '--kind', 'package', ...places])).stdout.lines;
    expect(text[0]).toMatch(/^kind +id +on disk +last used/);
    expect(text.at(-1)).toMatch(/^2 entries, /);
  });

  it('makes no cache where there is none', async () => {
    expect(await document<Listed>(['list', ...places])).toMatchObject({ entries: [] });
    expect((await ict(['cache', 'clean', '--key', 'abc', ...places])).stderr.text).toContain('ICT_CLI_CACHE_UNKNOWN');
    expect(await readdir(root)).toEqual([]);
  });

  it('reads a cache that may not be written', async () => {
    await fill(0, ['a']);
    chmodSync(join(root, 'cache'), 0o555);
    chmodSync(join(root, 'cache', '.ict'), 0o555);
    expect((await document<Listed>(['list', ...places])).entries).toHaveLength(1);
    chmodSync(join(root, 'cache', '.ict'), 0o755);
    chmodSync(join(root, 'cache'), 0o755);
  });

  it('shows what caches behind it have, and where; info finds it, and removing leaves it alone', async () => {
    await fill(1, ['mine']);
    const other = join(root, 'other');
    await rename(join(root, 'cache'), other);
    await fill(2, ['mine', 'theirs']);
    await rename(join(root, 'cache'), join(root, 'swapped'));
    await rename(other, join(root, 'cache')); // the cache has `mine`, the one behind it both
    const behind = ['--read-only-cache-dir', join(root, 'swapped')];
    const rows = (await ict(['cache', 'list', ...places, ...behind])).stdout.lines.filter((line) => line.startsWith('package'));
    expect(rows.map((row) => row.replace(/^.*(?= in )/, ''))).toEqual([
      ` in ${join(root, 'cache')}`,
      ` in ${join(root, 'swapped')}`,
      ` in ${join(root, 'swapped')}`,
    ]);
    expect(await document(['info', 'theirs-1.pkg', ...places, ...behind])).toMatchObject({
      path: join(root, 'swapped', 'pkgCache', provider, 'theirs-1.pkg'),
      record: { name: 'theirs' },
    });
    expect(await document(['info', 'mine-1.pkg', ...places, ...behind])).toMatchObject({
      path: join(root, 'cache', 'pkgCache', provider, 'mine-1.pkg'),
    });
  });
});

describe('ict cache info', () => {
  it('shows the inputs of a result by a beginning of its id, and which result a file is of', async () => {
    const { blob, step } = await storeResult(await fill(0, []));
    expect(await document(['info', step.slice(0, 10), ...places])).toMatchObject({
      id: step,
      record: { inputs: { colour: 'red' } },
    });
    expect(await document(['info', blob, ...places])).toMatchObject({ kind: 'blob', usedBy: [{ id: step, name: 'acme.make' }] });
    const text = (await ict(['cache', 'info', step, ...places])).stdout.text;
    expect(text).toMatch(/inputs\n +colour {2}red\n/);
  });

  it('shows the record of a package by the beginning of its name', async () => {
    await fill(0, ['jq', 'jqp', 'vim']);
    expect(await document(['info', 'vi', ...places])).toMatchObject({ kind: 'package', record: { name: 'vim', version: '1' } });
    expect(await document(['info', 'jq-', ...places])).toMatchObject({ record: { name: 'jq' } });
    const ambiguous = await ict(['cache', 'info', 'jq', ...places]);
    expect(ambiguous.status).toBe(2);
    expect(ambiguous.stderr.text).toContain('ICT_CLI_CACHE_AMBIGUOUS');
    const unknown = await ict(['cache', 'info', 'emacs', ...places]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr.text).toContain('ICT_CLI_CACHE_UNKNOWN');
  });
});
