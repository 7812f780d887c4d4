import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureDirectory } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import { beforeEach, describe, expect, it } from 'vitest';
import { document, fill, ids, places, provider, root, useCache, work, type Listed, type Removed } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('base trees, their snapshots and delivered images', () => {
  beforeEach(async () => {
    const [tree, snapshot, image] = ['chrootenv', 'chrootbuild', 'imagebuild/small'].map((name) => join(work, provider, name));
    for (const directory of [tree, snapshot, image]) await mkdir(directory as string, { recursive: true });
    const file = { path: '/file', type: 'file' };
    const digest = digestOf('tree');
    await writeFile(`${tree}.json`, JSON.stringify({ manifest: { digest, entries: [file, file] }, user: 0 }));
    await writeFile(join(snapshot as string, 'chrootenv.json'), JSON.stringify({ digest }));
    await writeFile(join(image as string, 'small.raw'), 'disk');
    // A tree's own times are those of the image.
    await utimes(tree as string, 315_532_801, 315_532_801);
  });

  it('are entries like the others, with a cache and without', async () => {
    const kinds = ['chrootenv', 'chrootbuild', 'imagebuild'];
    expect((await document<Listed>(['list', ...places])).entries.map(({ kind }) => kind).sort()).toEqual(kinds.toSorted());
    await fill(1, ['a']);
    const { entries } = await document<Listed>(['list', ...places]);
    expect(entries.map(({ kind }) => kind).sort()).toEqual([...kinds, 'package'].sort());
    const base = entries.find(({ kind }) => kind === 'chrootenv');
    expect(base).toMatchObject({ id: `${provider}/chrootenv`, provider });
    expect(Date.parse(base?.lastUsed as string)).toBeGreaterThan(Date.now() - 3_600_000);
    expect(base?.allocatedBytes).toBe(measureDirectory(join(work, provider, 'chrootenv'), () => undefined));
    for (const kind of [...kinds, 'package']) {
      expect((await document<Listed>(['list', '--kind', kind, ...places])).entries.map((entry) => entry.kind)).toEqual([kind]);
    }
    const lines = (await ict(['cache', 'list', ...places])).stdout.lines;
    expect(lines.some((line) => line.startsWith(`chrootbuild  ${provider}/chrootbuild `))).toBe(true);
  });

  it('are told by info, with the results that they are of', async () => {
    const { key } = (await (await fill(0, [])).steps.put('ict.base', {}, { kind: 'layer', digest: digestOf('tree') }, 'ict')) as {
      key: string;
    };
    const usedBy = [{ id: key, name: 'ict.base' }];
    const tree = { kind: 'chrootenv', path: join(work, provider, 'chrootenv'), usedBy, record: { digest: digestOf('tree'), entries: 2 } };
    expect(await document(['info', `${provider}/chrootenv`, ...places])).toMatchObject(tree);
    expect(await document(['info', `${provider}/chrootb`, ...places])).toMatchObject({
      kind: 'chrootbuild',
      usedBy,
      record: { digest: digestOf('tree') },
    });
    expect(await document(['info', `${provider}/imagebuild/small`, ...places])).toMatchObject({
      kind: 'imagebuild',
      usedBy: [],
      record: null,
    });
    // As of a tree that is none any more, and damaged ones.
    for (const record of ['{}', 'null', '{"manifest":null}', '{"manifest":{}}']) {
      await writeFile(join(work, provider, 'chrootenv.json'), record);
      expect(await document(['info', `${provider}/chrootenv`, ...places])).toMatchObject({ usedBy: [], record: null });
    }
    await writeFile(join(work, provider, 'chrootbuild', 'chrootenv.json'), 'null');
    expect((await ict(['cache', 'info', `${provider}/chrootbuild`, ...places])).stdout.lines[0]).toBe(
      `chrootbuild ${provider}/chrootbuild`,
    );
  });

  it('go by their ids, one alone, and only of the provider that is named', async () => {
    const other = await ict(['cache', 'clean', '--key', `${provider}/chrootbuild`, '--provider-id', 'other', ...places]);
    expect([other.status, other.stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_CACHE_UNKNOWN')]);
    const removed = await document<Removed>(['clean', '--key', `${provider}/chrootbuild`, ...places]);
    expect(ids(removed)).toEqual([`chrootbuild ${provider}/chrootbuild`]);
    expect((await readdir(join(work, provider))).sort()).toEqual(['chrootenv', 'chrootenv.json', 'imagebuild']);
  });

  it('of a work directory that is only read are its snapshots', async () => {
    const rows = (
      await ict(['cache', 'list', '--cache-dir', join(root, 'c'), '--work-dir', join(root, 'w'), '--read-only-cache-dir', work])
    ).stdout.lines;
    expect(rows.filter((row) => row.includes(provider))).toHaveLength(1);
    expect(rows[1]).toMatch(/^chrootbuild /);
  });
});
