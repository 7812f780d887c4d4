import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache } from '@ict/cache';
import { digestOf, hashFile } from '@ict/integrity';
import type { BlobRef, Context, EventBody, Json, LayerRef, Verifier } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { warningEvent } from '../../src/event-stream.js';
import { ImageCache } from '../../src/finalize/image-cache.js';
import { openBuildRemote } from '../../src/remote/remote-caches.js';
import { UploadQueue } from '../../src/remote/upload-queue.js';
import { WithheldUploads } from '../../src/remote/withheld-uploads.js';
import { StepEngine, type StepCall } from '../../src/steps.js';
import { CachedLayers } from '../../src/trees/cached-layers.js';
import { LazySandbox, SandboxTrees } from '../../src/trees/trees.js';
import { withoutDamagedLayers } from '../../src/without-damaged-layers.js';
import { MemoryRemote } from '../support/memory-remote.js';
import { manifestOf, oneFileSandbox } from '../support/one-file-tree.js';

let place: string;
let server: MemoryRemote;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-remote-'));
  server = new MemoryRemote(place);
});
afterEach(() => rm(place, { recursive: true }));

const engine = { name: 'core', version: '1' };

/** A machine with a cache of its own. */
async function machine(name: string, { reads = true, uploads = true }: { reads?: boolean; uploads?: boolean | 'withheld' } = {}) {
  const events: EventBody[] = [];
  const emit = (event: EventBody): void => void events.push(event);
  const cache = await openCache({ cacheDir: join(place, name), clock: () => 1000, emit });
  const temporary = await cache.temporaryDirectory('build');
  const verify = { digestFile: (file: string) => hashFile(file) } as unknown as Verifier;
  const context = { blobs: cache.blobs, emit, temporary, verify, signal: new AbortController().signal } as unknown as Context;
  const own = new CachedLayers(cache.layers);
  const queue = uploads === 'withheld' ? new WithheldUploads(emit) : new UploadQueue(server, context, temporary);
  const remote = openBuildRemote(reads ? server : undefined, uploads === false ? undefined : queue, context);
  const sandbox = new LazySandbox(async () => oneFileSandbox);
  const { layers, exchange, upload } = remote.steps(own, own, sandbox);
  const trees = new SandboxTrees(sandbox, layers, own, { times: { epochSeconds: 1 }, verify: 'signature', signal: context.signal });
  const steps = new StepEngine(cache.steps, cache.blobs, layers, engine, emit, { exchange });
  const images = new ImageCache(cache.images, engine, emit, remote.images);
  const makeLayer = async (content: string): Promise<LayerRef> => {
    const staged = await own.stage();
    await writeFile(join(staged.directory, 'content'), content);
    const { layer } = await own.publish(staged, await manifestOf(staged.directory), (directory) => oneFileSandbox.statLayer(directory));
    return layer;
  };
  return { cache, events, layers, trees, steps, images, upload, temporary, makeLayer, tally: remote.tally };
}

type Machine = Awaited<ReturnType<typeof machine>>;

function call(key: Json, run: () => Promise<Json>): StepCall<Json> {
  return { type: 'test.step', version: 1, by: { name: 'plugin', version: '1' }, key, run };
}

const never = async (): Promise<Json> => {
  throw new Error('the step ran');
};

const typesOf = ({ events }: Machine): readonly string[] => events.map(({ type }) => type);

/** What one machine makes and uploads: a layer and a file. */
async function makeBoth(one: Machine): Promise<{ readonly layer: LayerRef; readonly file: BlobRef }> {
  const layer = await one.makeLayer('tree');
  const file = await one.cache.blobs.putBytes(Buffer.from('disk'));
  await one.steps.run(call('layer', async () => ({ ...layer })));
  await one.steps.run(call('file', async () => ({ files: [{ ...file }] })));
  await one.upload();
  return { layer, file };
}

it('gives another machine what one has made: files at once, layers when they are mounted', async () => {
  const one = await machine('one');
  const { layer, file } = await makeBoth(one);
  expect(one.events.at(-1)).toMatchObject({ type: 'cache.uploaded', records: 2, blobs: 2, sentBytes: 8 });
  // What a record names is there before the record.
  expect(server.calls.filter((what) => what.startsWith('put'))).toEqual([
    `put ${digestOf('tree')}`,
    'put test.step',
    `put ${file.digest}`,
    'put test.step',
  ]);

  const two = await machine('two');
  server.calls.length = 0;
  expect(await two.steps.run(call('layer', never))).toEqual(layer);
  expect(server.calls).toEqual(['find test.step']);
  expect(await two.steps.run(call('file', never))).toEqual({ files: [file] });
  expect(two.steps.reports.map(({ hit }) => hit)).toEqual([true, true]);
  expect(two.events).toMatchObject([
    { type: 'step.hit', from: 'remote' },
    { type: 'step.hit', from: 'remote' },
  ]);
  expect(readFileSync((await two.cache.blobs.path(file.digest)) as string, 'utf8')).toBe('disk');
  expect(await two.cache.layers.get(layer.digest)).toBeUndefined();
  const found = await two.layers.find(layer);
  expect(readFileSync(join(found?.directory ?? '', 'content'), 'utf8')).toBe('tree');
  expect(await two.cache.layers.get(layer.digest)).toBeDefined();

  // From now on it is that machine's own, and the server has it.
  server.calls.length = 0;
  await two.steps.run(call('layer', never));
  await two.steps.run(call('file', never));
  await two.upload();
  expect(server.calls).toEqual(['find test.step', `has ${digestOf('tree')}`, 'find test.step']);
  expect(two.events.at(-1)).toEqual({ type: 'cache.uploading', results: 2 });
});

it('puts right what the server lost below its records, and nothing else', async () => {
  const one = await machine('one');
  const { file } = await makeBoth(one);
  const repeat = async (): Promise<readonly string[]> => {
    server.calls.length = 0;
    await one.steps.run(call('layer', never));
    await one.steps.run(call('file', never));
    await one.upload();
    return server.calls.filter((what) => what.startsWith('put'));
  };
  server.blobs.delete(file.digest);
  expect(await repeat()).toEqual([`put ${file.digest}`]);
  // Each build has a queue of its own; this one knows of the archive that it sent.
  const again = await machine('one');
  server.blobs.delete(digestOf('tree'));
  server.calls.length = 0;
  await again.steps.run(call('layer', never));
  await again.upload();
  expect(server.calls).toEqual(['find test.step', `has ${digestOf('tree')}`, `put ${digestOf('tree')}`]);
});

it('leaves nothing in the directory of downloads', async () => {
  const { layer } = await makeBoth(await machine('one'));
  const two = await machine('two');
  await two.steps.run(call('layer', never));
  await two.layers.find(layer);
  await two.steps.run(call('file', never));
  expect((await readdir(place)).sort()).toEqual(['one', 'two']);
  expect(await readdir(two.temporary)).toEqual([]);
});

it('gets what this machine lost', async () => {
  const one = await machine('one');
  const { layer } = await makeBoth(one);
  await rm(join(place, 'one/.ict/blobs'), { recursive: true });
  await one.cache.layers.discard(layer.digest);
  expect(await one.steps.run(call('file', never))).toMatchObject({ files: [{ kind: 'blob' }] });
  expect(await one.steps.run(call('layer', never))).toEqual(layer);
  expect(await one.layers.find(layer)).toBeDefined();
});

it.each<[string, (file: BlobRef) => void]>([
  ['has no such record', () => server.records.clear()],
  ['has lost a file', ({ digest }) => server.blobs.delete(digest)],
])('runs a step when the server %s', async (_what, lose) => {
  const { file } = await makeBoth(await machine('one'));
  lose(file);
  const two = await machine('two');
  expect(await two.steps.run(call('file', async () => 'made here'))).toBe('made here');
  expect(typesOf(two)).toContain('step.miss');
});

it('runs a step whose record says of no archive that it is its layer', async () => {
  await makeBoth(await machine('one'));
  for (const [name, record] of server.records) server.records.set(name, { ...record, archives: {} });
  const two = await machine('two');
  expect(await two.steps.run(call('layer', async () => 'made here'))).toBe('made here');
});

it.each<[string, (archive: string) => void]>([
  ['gone', () => server.blobs.delete(digestOf('tree'))],
  ['that of another tree', () => server.blobs.set(digestOf('tree'), Buffer.from('another'))],
  ['none', () => server.blobs.set(digestOf('tree'), Buffer.from('no archive'))],
])('makes a layer after all whose archive turns out to be %s, and does not ask for it again', async (_what, spoil) => {
  const { layer } = await makeBoth(await machine('one'));
  spoil(layer.digest);
  const two = await machine('two');
  await two.steps.run(call('layer', never));
  expect(await two.layers.find(layer)).toBeUndefined();
  server.calls.length = 0;
  expect(await two.steps.run(call('layer', async () => ({ ...(await two.makeLayer('tree')) })))).toEqual(layer);
  expect(await two.layers.find(layer)).toBeDefined();
  expect(server.calls).toEqual(['find test.step']);
});

describe('a build over many layers of a server', () => {
  const below = ['base', 'packages', 'configure', 'note'];

  /** Takes layers or makes them, does something over all, and over a tree of its own once more. @returns how often that began. */
  async function build({ steps, trees, makeLayer, events }: Machine): Promise<number> {
    let passes = 0;
    const take = (name: string) => steps.run(call(name, async () => ({ ...(await makeLayer(name)) }))) as unknown as Promise<LayerRef>;
    await withoutDamagedLayers(
      async () => {
        passes++;
        const layers: LayerRef[] = [];
        for (const name of below) layers.push(await take(name));
        const tools = await take('tools');
        await trees.directories({ layers });
        await trees.directories({ layers: [tools] });
      },
      (reports) => events.push(...reports.map(warningEvent)),
    );
    return passes;
  }

  const withheld = 'a remote cache did not give its layer';

  it.each<[string, () => void, readonly string[]]>([
    ['goes away', () => [server.blobs, server.records].map((files) => files.clear()), [...below, 'tools']],
    ['has lost all layers', () => server.blobs.clear(), [...below, 'tools']],
    ['has lost one', () => server.blobs.delete(digestOf('configure')), ['configure']],
    [
      'has lost two of different trees',
      () => ['packages', 'tools'].map((name) => server.blobs.delete(digestOf(name))),
      ['packages', 'tools'],
    ],
  ])('starts over once, and makes no more than it must, when that %s after its results were taken', async (_what, lose, made) => {
    const one = await machine('one');
    expect(await build(one)).toBe(1);
    await one.upload();
    const two = await machine('two', { uploads: false });
    const mount = two.trees.directories.bind(two.trees);
    let lost = false;
    two.trees.directories = async (tree) => {
      if (!lost) lose();
      lost = true;
      return mount(tree);
    };
    expect(await build(two)).toBe(2);
    const { reports } = two.steps;
    expect(reports.slice(0, 5).map(({ hit }) => hit)).toEqual(Array(5).fill(true));
    const anew = [...below, 'tools'].filter((_name, index) => !(reports[5 + index] as { hit: boolean }).hit);
    expect(anew).toEqual(made);
    expect(reports.filter(({ hit }) => !hit).map(({ reason }) => reason)).toEqual(made.map(() => withheld));
    expect(two.tally()).toEqual({ asked: 5, found: 5 - made.length });
    // The server's failure is told by who asks it.
    expect(two.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  it('tells once of an archive that is signed, and that of another layer', async () => {
    const one = await machine('one');
    await build(one);
    await one.upload();
    server.blobs.set(digestOf('base'), Buffer.from('another'));
    const two = await machine('two', { uploads: false });
    expect(await build(two)).toBe(2);
    expect(two.events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'ICT_REMOTE_CACHE_BLOB' }]);
  });
});

it('counts what was asked of others, and had', async () => {
  const one = await machine('one');
  expect(one.tally()).toBeUndefined();
  await makeBoth(one);
  expect(one.tally()).toEqual({ asked: 2, found: 0 });
  const two = await machine('two');
  await two.steps.run(call('layer', never));
  await two.steps.run(call('other', async () => 'made here'));
  await two.images.find({ image: 1 });
  expect(two.tally()).toEqual({ asked: 3, found: 1 });
  // What lies here is not asked for.
  const again = await machine('two');
  await again.steps.run(call('other', never));
  expect(again.tally()).toBeUndefined();
  const alone = await machine('three', { reads: false });
  await alone.steps.run(call('layer', async () => 'made here'));
  expect(alone.tally()).toBeUndefined();
});

it('neither asks nor sends what it is not to', async () => {
  await makeBoth(await machine('one'));
  server.calls.length = 0;
  const sender = await machine('two', { reads: false });
  await sender.steps.run(call('file', async () => 'made here'));
  expect(server.calls).toEqual([]);
  const reader = await machine('three', { uploads: false });
  await reader.steps.run(call('other', async () => 'made here'));
  await reader.upload();
  expect(server.calls).toEqual(['find test.step']);
});

it('says once that it sends nothing of a build that knows a secret, and nothing where there is nothing to send', async () => {
  const one = await machine('one', { uploads: 'withheld' });
  await one.upload();
  expect(one.events).toEqual([]);
  await makeBoth(one);
  await one.upload();
  expect(one.events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'ICT_REMOTE_CACHE_SECRET' }]);
  expect(typesOf(one)).not.toContain('cache.uploading');
  expect(server.calls.filter((what) => !what.startsWith('find'))).toEqual([]);
});

it('sends no result whose layer or file is not here any more', async () => {
  const one = await machine('one');
  const layer = await one.makeLayer('tree');
  const file = await one.cache.blobs.putBytes(Buffer.from('disk'));
  await one.steps.run(call('layer', async () => ({ ...layer })));
  await one.steps.run(call('file', async () => ({ ...file })));
  await one.steps.run(call('text', async () => 'text'));
  await one.cache.layers.discard(layer.digest);
  await rm(join(place, 'one/.ict/blobs'), { recursive: true });
  await one.upload();
  expect([...server.records.values()].map(({ output }) => output)).toEqual(['text']);
});

it('sends no layer that was altered', async () => {
  const one = await machine('one');
  const layer = await one.makeLayer('tree');
  await one.steps.run(call('layer', async () => ({ ...layer })));
  const { directory } = (await one.layers.find(layer)) as { directory: string };
  await writeFile(join(directory, 'content'), 'eert');
  await one.upload();
  expect(server.records.size + server.blobs.size).toBe(0);
  expect(await readdir(one.temporary)).toEqual([]);
});

it.each([
  [507, 'tries nothing more', 1],
  [413, 'tries what may be smaller', 2],
])('says once that a server refuses with %i, and %s', async (status, _what, tries) => {
  const one = await machine('one');
  server.refusal = status;
  await makeBoth(one);
  expect(one.events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'ICT_REMOTE_CACHE_UPLOAD', hint: 'Make room.' }]);
  expect(typesOf(one)).not.toContain('cache.uploaded');
  expect(server.calls.filter((what) => what === 'find test.step')).toHaveLength(2 + tries);
});

it('says what kept it from reading what is to be sent, and sends the rest', async () => {
  const one = await machine('one');
  const put = server.putBlob.bind(server);
  server.putBlob = async (blob, file) => {
    if (blob.digest === digestOf('tree')) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    return put(blob, file);
  };
  await makeBoth(one);
  expect(one.events.filter(({ type }) => type === 'warning')).toMatchObject([{ code: 'ICT_REMOTE_CACHE_UPLOAD', message: 'no room' }]);
  expect(one.events.at(-1)).toMatchObject({ type: 'cache.uploaded', records: 1, blobs: 1 });
});

it('gives another machine a finished image, as that keeps it', async () => {
  const inputs = { image: 1 };
  const keep = async ({ cache, images }: Machine): Promise<void> => {
    const blob = await cache.blobs.putBytes(Buffer.from('image'));
    const file = (await cache.blobs.path(blob.digest)) as string;
    const artifacts = [{ name: 'a.raw', type: 'raw', file, digest: blob.digest, sizeBytes: blob.sizeBytes }];
    await images.keep(inputs, { artifacts, documents: new Map([['a.json', Buffer.from('{}')]]) });
  };
  const one = await machine('one');
  await keep(one);
  await one.upload();
  const two = await machine('two');
  const image = await two.images.find(inputs);
  expect(image?.artifacts).toMatchObject([{ name: 'a.raw', type: 'raw', sizeBytes: 5 }]);
  expect(readFileSync(image?.artifacts[0]?.file ?? '', 'utf8')).toBe('image');
  expect([...(image?.documents ?? [])].map(([name, bytes]) => [name, String(bytes)])).toEqual([['a.json', '{}']]);
  expect(two.events).toMatchObject([{ type: 'step.hit', step: 'ict.image', from: 'remote' }]);
  // It is kept: the server is not needed again.
  server.calls.length = 0;
  expect(await two.images.find(inputs)).toMatchObject({ artifacts: [{ name: 'a.raw' }] });
  await two.upload();
  expect(server.calls).toEqual(['find ict.image']);
});
