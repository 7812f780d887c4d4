import { describe, expect, it } from 'vitest';
import type { LayerRef, Provider, TreeRef, TreeSession } from '@ict/plugin-api';
import { memoryTree } from '@ict/plugin-testkit';
import { makeManifest, type LayerEntry } from '@ict/sandbox';
import { CacheAudit } from '../../src/compose/audit.js';
import type { LayerCall, LayerMaker } from '../../src/compose/composition.js';
import type { LayerShelf } from '../../src/trees/layer-shelf.js';
import type { SandboxTrees } from '../../src/trees/trees.js';
import { digestOfAll, sampleProvider } from '../support/sample-image.js';

const layer = (digit: string): LayerRef => ({ kind: 'layer', digest: digestOfAll(digit), entries: 1, sizeBytes: 1 });
const file = (path: string): LayerEntry => ({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 });

/** An audit over layers `1` and `2`, which hold these paths; a clean run makes layer `clean`. */
function audit(clean: string, percent = 100, random = () => 0.5) {
  const contents = new Map([
    [digestOfAll('1'), ['/same', '/usr/bin/tool']],
    [digestOfAll('2'), ['/same', '/etc/new']],
  ]);
  const dropped: string[] = [];
  const emitted: unknown[] = [];
  const runs: string[] = [];
  const shelf = {
    find: async ({ digest }: LayerRef) => ({ manifest: makeManifest((contents.get(digest) ?? []).map(file)) }),
    drop: async ({ digest }: LayerRef) => void dropped.push(digest),
  } as unknown as LayerShelf;
  const trees = {
    inspect: (_tree: TreeRef, work: (tree: TreeSession) => Promise<unknown>) => work(memoryTree()),
  } as unknown as SandboxTrees;
  const provider: Provider = sampleProvider({
    inventory: { list: async () => [], purl: () => '', owners: async (path) => (path.startsWith('/usr/') ? ['tool'] : []) },
  });
  const maker = {} as LayerMaker;
  const check = (parts: Partial<LayerCall> = {}) =>
    new CacheAudit({ percent, random }, maker, shelf, trees, provider, (event) => emitted.push(event)).check(
      {
        type: 'ict.packages',
        version: 1,
        by: { name: 'provider', version: '1' },
        key: {},
        over: { layers: [] },
        clean: async (given) => {
          expect(given).toBe(maker);
          runs.push('clean');
          return layer(clean);
        },
        run: async () => ({}),
        ...parts,
      },
      { ...layer('1') },
    );
  return { check, dropped, emitted, runs };
}

describe('an audit of the cache', () => {
  it('is content with an equal layer', async () => {
    const { check, dropped, emitted } = audit('1');
    await check();
    expect(emitted).toEqual([{ type: 'cache.audited', step: 'ict.packages', equal: true }]);
    expect(dropped).toEqual([]);
  });

  it('names step, paths and packages of another layer, and drops the cached one', async () => {
    const { check, dropped } = audit('2');
    await expect(check()).rejects.toMatchObject({
      code: 'ICT_CACHE_AUDIT',
      message: expect.stringContaining('step ict.packages') as string,
      facts: { step: 'ict.packages', paths: ['/etc/new', '/usr/bin/tool'] },
    });
    await expect(check()).rejects.toThrow('/etc/new, /usr/bin/tool of package tool differ');
    expect(dropped[0]).toBe(digestOfAll('1'));
  });

  it.each([
    [50, 0.49, 1],
    [50, 0.5, 0],
    [1, 0.009, 1],
    [1, 0.01, 0],
    [100, 0.999, 1],
  ])('of %i percent, at a chance of %f, makes %i layers', async (percent, chance, expected) => {
    const { check, runs } = audit('1', percent, () => chance);
    await check();
    expect(runs.length).toBe(expected);
  });

  it('passes over steps that make no layer', async () => {
    const { check, emitted } = audit('2');
    await check({ clean: undefined });
    expect(emitted).toEqual([]);
  });
});
