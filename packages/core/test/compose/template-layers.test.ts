import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryTree } from '@ict/plugin-testkit';
import type { StepStore } from '@ict/cache';
import type { Json, LayerRef } from '@ict/plugin-api';
import { EarlierLayers } from '../../src/compose/earlier-layers.js';
import { listInputs, placeInputs } from '../../src/compose/host-inputs.js';
import { digestOfAll } from '../support/sample-image.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-layers-'));
  await mkdir(join(place, 'src', 'empty'), { recursive: true });
  await writeFile(join(place, 'src', 'run'), 'run', { mode: 0o755 });
  await writeFile(join(place, 'src', 'data'), 'data', { mode: 0o600 });
  await symlink('/etc/shadow', join(place, 'src', 'link'));
});
afterEach(() => rm(place, { recursive: true }));

const inputs = () => [{ source: join(place, 'src'), name: 'src' }];

describe('inputs of a layer', () => {
  it('are listed by kind, executable bit and content, in one order', async () => {
    expect(Object.entries(await listInputs(inputs()))).toEqual([
      ['src', 'directory'],
      ['src/data', '644 sha256:3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7'],
      ['src/empty', 'directory'],
      ['src/link', 'link /etc/shadow'],
      ['src/run', '755 sha256:acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be'],
    ]);
  });

  it('are copied as listed; links stay links, and lead nowhere but into the tree', async () => {
    const tree = memoryTree();
    await placeInputs(inputs(), await listInputs(inputs()), tree);
    expect((await tree.list('/run/ict/inputs/src')).map(({ path, type, mode }) => [path, type, mode.toString(8)])).toEqual([
      ['/run/ict/inputs/src/data', 'file', '644'],
      ['/run/ict/inputs/src/empty', 'directory', '755'],
      ['/run/ict/inputs/src/link', 'symlink', '777'],
      ['/run/ict/inputs/src/run', 'file', '755'],
    ]);
    expect(new TextDecoder().decode(await tree.read('/run/ict/inputs/src/data'))).toBe('data');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['content', () => writeFile(join(place, 'src', 'data'), 'other')],
    ['a file more', () => writeFile(join(place, 'src', 'new'), '')],
  ])('that changed after they were listed are refused: %s', async (_what, change) => {
    const listing = await listInputs(inputs());
    await change();
    await expect(placeInputs(inputs(), listing, memoryTree())).rejects.toMatchObject({ code: 'ICT_LAYER_INPUT' });
  });

  it('may not be a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(place, 'src', 'socket'), resolve));
    await expect(listInputs(inputs())).rejects.toMatchObject({ code: 'ICT_LAYER_INPUT', facts: { source: join(place, 'src', 'socket') } });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('earlier layers', () => {
  const layer: LayerRef = { kind: 'layer', digest: digestOfAll('1'), entries: 1, sizeBytes: 1 };
  const terms = { types: { cache: true }, invalidateOn: { values: { runtime: '16' } } };
  const stored = new Map<string, Json>();
  const records = {
    get: async (_type: string, inputs: Json) => {
      const output = stored.get(JSON.stringify(inputs));
      return output === undefined ? undefined : { output };
    },
    put: async (_type: string, inputs: Json, output: Json) => void stored.set(JSON.stringify(inputs), output),
  } as unknown as Pick<StepStore, 'get' | 'put'>;

  it.each([
    ['the one of the same name', 'a', terms, true, true],
    ['none of another name', 'b', terms, true, false],
    ['none that was bound to other values', 'a', { ...terms, invalidateOn: { values: { runtime: '18' } } }, true, false],
    ['none that was of other types', 'a', { ...terms, types: { cache: true, launch: true } }, true, false],
    ['none that is gone', 'a', terms, false, false],
  ])('are found: %s', async (_what, scope, wanted, there, found) => {
    const earlier = new EarlierLayers(records, { has: async () => there }, 'ict 1');
    await earlier.remember('a', terms, { layer, metadata: { version: '1.5' } });
    expect(await earlier.recall(scope, wanted)).toEqual(found ? { layer, metadata: { version: '1.5' } } : undefined);
  });

  it('are none where the disk refuses to tell', async () => {
    const get = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' }));
    expect(await new EarlierLayers({ ...records, get }, { has: async () => true }, 'ict 1').recall('a', terms)).toBeUndefined();
  });
});
