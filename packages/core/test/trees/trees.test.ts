import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { IctError, type LayerRef } from '@ict/plugin-api';
import { layerRef, makeManifest, type Sandbox } from '@ict/sandbox';
import type { LayerShelf, StagedLayer } from '../../src/trees/layer-shelf.js';
import { LazySandbox, SandboxTrees } from '../../src/trees/trees.js';
import { digestOfAll } from '../support/sample-image.js';

const common = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 } as const;
/** A file of two names; only the first of them is told its size. */
const manifest = makeManifest([
  { path: '/a', ...common, sizeBytes: 3 },
  { path: '/b', ...common, hardlinkOf: '/a' },
]);
const made = layerRef(manifest);

/**
 * Trees over a shelf on which the layer `made` lies.
 *
 * @param kept whether it lay there before, so that what a change staged is not what lies there now.
 * @param sound whether its files are what its manifest says.
 * @param directory where layers are made.
 * @param madeAt where they lie when they are published, to be moved again.
 * @param listing what lies beside the layer.
 * @param trouble what is thrown when a tree is closed, or what was staged is taken away.
 */
function trees({
  kept = false,
  sound = true,
  directory = '/staged/fs',
  madeAt = undefined as string | undefined,
  verify = 'signature' as 'signature' | 'full',
  listing = manifest,
  trouble = undefined as Error | undefined,
}) {
  const end = async (): Promise<void> => {
    if (trouble !== undefined) throw trouble;
  };
  const looks: string[] = [];
  const packed: (readonly object[])[] = [];
  const abandoned: string[] = [];
  const dropped: string[] = [];
  const sandbox = {
    openTree: async () => ({ close: end }),
    sealLayer: async () => manifest,
    statLayer: async () => ({ digest: digestOfAll('5'), entries: 1 }),
    packFiles: async (files: readonly object[]) => {
      packed.push(files);
      return { kind: 'full', blocks: files.length };
    },
    placeFiles: async (files: readonly object[], target: string) => void packed.push([...files, { target }]),
    verifyLayer: async (directory: string) => {
      looks.push(directory);
      return { ok: sound, changed: sound ? [] : ['/a'] };
    },
  } as unknown as Sandbox;
  const shelf = {
    stage: async () => ({ directory, work: '/staged/work', root: '/staged' }),
    publish: async () => ({
      layer: made,
      directory: kept ? undefined : (madeAt ?? '/layers/made'),
      ...(madeAt === undefined ? {} : { signature: { digest: digestOfAll('5'), entries: 1 } }),
    }),
    find: async () => ({ directory: '/layers/made', manifest: listing, signature: { digest: digestOfAll('5'), entries: 1 } }),
    abandon: async (staged: StagedLayer) => {
      abandoned.push(staged.directory);
      await end();
    },
    drop: async ({ digest }: LayerRef) => void dropped.push(digest),
  } as unknown as LayerShelf;
  const subject = new SandboxTrees(new LazySandbox(async () => sandbox), shelf, shelf, {
    times: { epochSeconds: 1 },
    verify,
    signal: new AbortController().signal,
  });
  return { subject, looks, packed, dropped, abandoned };
}

describe('the layers of a tree', () => {
  it('are not looked at again when this build made them', async () => {
    const { subject, looks } = trees({ kept: false, sound: true });
    const layer = await subject.change({ layers: [] }, async () => undefined);
    expect(await subject.directories({ layers: [layer] })).toEqual(['/layers/made']);
    expect(looks).toEqual([]);
  });

  it.each([
    ['not looked at again where they may be moved, while they lie where they were signed', '/layers/made', []],
    ['looked at when they were moved, whatever signature they kept', '/layers/elsewhere', ['/layers/made']],
  ])('are %s', async (_what, madeAt, expected) => {
    const { subject, looks } = trees({ madeAt });
    const layer = await subject.change({ layers: [] }, async () => undefined);
    expect(await subject.directories({ layers: [layer] })).toEqual(['/layers/made']);
    expect(looks).toEqual(expected);
  });

  it('are verified once when one of equal content was there before', async () => {
    const { subject, looks } = trees({ kept: true, sound: true });
    const layer = await subject.change({ layers: [] }, async () => undefined);
    expect(await subject.directories({ layers: [layer] })).toEqual(['/layers/made']);
    expect(await subject.directories({ layers: [layer] })).toEqual(['/layers/made']);
    expect(looks).toEqual(['/layers/made']);
  });

  it('are dropped when one of equal content was there before and is damaged', async () => {
    const { subject, dropped } = trees({ kept: true, sound: false });
    const layer = await subject.change({ layers: [] }, async () => undefined);
    await expect(subject.directories({ layers: [layer] })).rejects.toMatchObject({ code: 'ICT_LAYER_DAMAGED' });
    expect(dropped).toEqual([made.digest]);
  });
});

describe('a listing that was altered together with what is noted of it', () => {
  const listing = { ...manifest, entries: manifest.entries.map((entry) => ({ ...entry, mtimeSeconds: 2 })) };

  it('is found where every byte is compared', async () => {
    const { subject, dropped } = trees({ kept: true, verify: 'full', listing });
    await expect(subject.directories({ layers: [made] })).rejects.toMatchObject({
      code: 'ICT_LAYER_DAMAGED',
      facts: { changed: ['its listing'] },
    });
    expect(dropped).toEqual([made.digest]);
  });
});

describe('a tree as data', () => {
  it('is told by the manifests of its layers, none of which is read', async () => {
    const { subject, looks } = trees({});
    const layer = await subject.change({ layers: [] }, async () => undefined);
    expect(await subject.records({ layers: [layer] })).toEqual(manifest.entries);
    expect(looks).toEqual([]);
  });

  it('is packed from the directories that its files are in, each verified', async () => {
    const { subject, looks, packed } = trees({ kept: true });
    const target = { file: '/disk', offsetBytes: 512, blockBytes: 4096, free: [] };
    expect(await subject.pack({ layers: [made] }, ['/a'], target)).toEqual({ kind: 'full', blocks: 1 });
    expect(packed).toEqual([[{ path: '/layers/made/a', sizeBytes: 3 }]]);
    expect(looks).toEqual(['/layers/made']);
  });
});

it('contents of a tree go to their places in a file', async () => {
  const { subject, packed } = trees({ kept: true });
  await subject.place({ layers: [made] }, [{ path: '/a', offsetBytes: 700 }], '/archive');
  expect(packed).toEqual([[{ path: '/layers/made/a', sizeBytes: 3, offsetBytes: 700 }, { target: '/archive' }]]);
});

it('contents of a file are found by each of its names, and those of nothing are not taken for none', async () => {
  const { subject, packed } = trees({ kept: true });
  await subject.place({ layers: [made] }, [{ path: '/b', offsetBytes: 700 }], '/archive');
  expect(packed).toEqual([[{ path: '/layers/made/a', sizeBytes: 3, offsetBytes: 700 }, { target: '/archive' }]]);
  await expect(subject.place({ layers: [made] }, [{ path: '/c', offsetBytes: 0 }], '/archive')).rejects.toThrow('/c');
});

describe('a layer that a program failed to make', () => {
  const failed = new IctError('ICT_COMMAND_FAILED', 'command', { message: 'dpkg ended with status 1:\nNo space left on device' });
  const failing = () => Promise.reject(failed);

  it('is removed, after it was seen that its disk is full', async () => {
    // A file system of the kernel's, which has no room for anybody.
    const { subject, abandoned } = trees({ directory: '/proc' });
    await expect(subject.change({ layers: [] }, failing)).rejects.toMatchObject({ code: 'ENOSPC', path: '/proc', cause: failed });
    expect(abandoned).toEqual(['/proc']);
  });

  it('has the failure of the program, whatever goes wrong when it is removed', async () => {
    const { subject, abandoned } = trees({ directory: tmpdir(), trouble: new Error('it is busy') });
    await expect(subject.change({ layers: [] }, failing)).rejects.toBe(failed);
    expect(abandoned).toEqual([tmpdir()]);
    await expect(subject.inspect({ layers: [] }, failing)).rejects.toBe(failed);
  });

  it('is none when its tree cannot be closed', async () => {
    const trouble = new Error('it is busy');
    const { subject, abandoned } = trees({ trouble });
    await expect(subject.change({ layers: [] }, async () => undefined)).rejects.toBe(trouble);
    expect(abandoned).toEqual(['/staged/fs']);
  });

  it('is removed, and the failure is the program\u2019s where there is room', async () => {
    const { subject, abandoned } = trees({ directory: tmpdir() });
    await expect(subject.change({ layers: [] }, failing)).rejects.toBe(failed);
    expect(abandoned).toEqual([tmpdir()]);
  });
});
