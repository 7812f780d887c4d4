import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache, type Cache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type { Context, EventBody, Json } from '@ict/plugin-api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EarlierLayers } from '../src/compose/earlier-layers.js';
import { IMAGE_STEP } from '../src/finalize/image-cache.js';
import { installedPackages } from '../src/plugins/plugin-answers.js';
import type { Check } from '../src/plugins/value-check.js';
import { openBuildRemote } from '../src/remote/remote-caches.js';
import { blobOutput, canonicalFault, layerOutput, outputFault } from '../src/step-output.js';
import { StepEngine } from '../src/steps.js';
import { MemoryRemote } from './support/memory-remote.js';

const content = Buffer.from('disk');
const blob = { kind: 'blob', digest: digestOf('disk'), sizeBytes: content.length };
const layer = { kind: 'layer', digest: digestOf('tree'), entries: 1, sizeBytes: 4 };
const packages = [{ name: 'base', version: '1', arch: 'any' }];
const image = {
  files: [
    { name: 'a.raw', type: 'raw', blob },
    { name: 'a.spdx.json', blob },
  ],
};

/** Results of steps, with what they have to be. */
const results: readonly (readonly [string, Json, Check | undefined])[] = [
  ['a layer', layer, layerOutput],
  ['a file', blob, blobOutput],
  ['packages', packages, installedPackages],
  ['what only a format knows', { parts: [{ blob, offset: 7 }] }, undefined],
];

describe('what is wrong with an output', () => {
  it.each(results)('is nothing with %s', (_what, output, expected) => {
    expect(outputFault(output, expected)).toBeUndefined();
  });

  it.each<[string, Json, Check | undefined]>([
    ['it is null, not an object', null, layerOutput],
    ['kind is "blob", not "layer"', blob, layerOutput],
    ['entries is -1, not a number', { ...layer, entries: -1 }, layerOutput],
    ['of a layer in it, digest is "../../etc", not a SHA-256 digest', { ...layer, digest: '../../etc' }, undefined],
    ['of a blob in it, sizeBytes is undefined, not a number', [{ kind: 'blob', digest: blob.digest }], undefined],
    ['[0].arch is undefined, not a text', [{ name: 'base', version: '1' }], installedPackages],
  ])('is told with the place: %s', (fault, output, expected) => {
    expect(outputFault(output, expected)).toContain(fault);
  });

  it.each([
    ['nested too deep', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as Json],
    ['half of a surrogate pair', '\ud800'],
    ['a number that is not finite', JSON.parse('1e999') as Json],
  ])('is that it could not be stored, however it came here: %s', (_fault, part) => {
    expect(canonicalFault({ ...layer, part })).toMatch(/^The value at \$\.part.* has no canonical JSON: /);
  });
});

/** All values that can be reached in a result, each by its path. */
function* paths(value: Json, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) yield* paths(member as Json, [...path, name]);
}

/** A result in which something is another value, or absent. */
function damaged(value: Json, [name, ...rest]: readonly string[], other: Json | undefined): Json | undefined {
  if (name === undefined) return other;
  const inner = (value as Readonly<Record<string, Json>>)[name] as Json;
  const changed = damaged(inner, rest, other);
  if (Array.isArray(value))
    return value.flatMap((one: Json, index) => (String(index) !== name ? [one] : changed === undefined ? [] : [changed]));
  return Object.fromEntries(Object.entries({ ...(value as object), [name]: changed }).filter(([, member]) => member !== undefined)) as Json;
}

const damage = (value: Json): fc.Arbitrary<Json> =>
  fc
    .tuple(fc.constantFrom(...paths(value)), fc.option(fc.jsonValue() as fc.Arbitrary<Json>, { nil: undefined }))
    .map(([path, other]) => damaged(value, path, other) ?? null);

describe('a result that its maker damaged before it was signed or sealed', () => {
  let place: string;
  let cache: Cache;
  let server: MemoryRemote;
  let ran: number;
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'ict-output-'));
    cache = await openCache({ cacheDir: join(place, 'cache'), clock: () => 1000 });
    server = new MemoryRemote(place);
    server.blobs.set(digestOf('disk'), content);
    ran = 0;
  });
  afterEach(() => rm(place, { recursive: true }));

  const events: EventBody[] = [];
  const emit = (event: EventBody): void => void events.push(event);
  const by = { name: 'plugin', version: '1' };
  const presence = { has: async () => true };
  const call = (key: Json, output: Json, expects: Check | undefined) => {
    const run = async (): Promise<Json> => {
      ran += 1;
      return output;
    };
    return { type: 'test.step', version: 1, by, key, expects, run };
  };

  it.each(results)('is a miss, or one that is as good, when it lies here: %s', async (_what, output, expects) => {
    const steps = new StepEngine(cache.steps, cache.blobs, presence, by, emit);
    await cache.blobs.putBytes(content);
    let round = 0;
    const check = async (bad: Json): Promise<void> => {
      const good = call({ round: (round += 1) }, output, expects);
      const maker = { ...good, run: async () => bad };
      await steps.run(maker);
      const { output: found, reason } = await steps.peek(good);
      if (found === undefined) expect(reason).toMatch(/^the stored (result is damaged: .+|file is gone or damaged)$/);
      else expect(outputFault(found, expects)).toBeUndefined();
      ran = 0;
      expect([ran, await steps.run(good)]).toEqual([0, found === undefined ? output : found]);
      expect(ran).toBe(found === undefined ? 1 : 0);
    };
    await fc.assert(fc.asyncProperty(damage(output), check), { numRuns: 40 });
  });

  it.each(results)('is a miss, or one that is as good, when another machine signed it: %s', async (_what, output, expects) => {
    const context = { blobs: cache.blobs, emit } as unknown as Context;
    const remote = openBuildRemote(server, undefined, context);
    const own = { has: async () => false, find: async () => undefined };
    const { exchange } = remote.steps(own as never, own as never, undefined as never);
    let round = 0;
    const check = async (bad: Json): Promise<void> => {
      const steps = new StepEngine(cache.steps, cache.blobs, presence, by, emit, { exchange });
      const good = call({ remote: (round += 1) }, output, expects);
      const { key } = await steps.peek(good);
      const archives = { [layer.digest]: blob as never };
      server.records.set(`test.step ${key}`, { output: bad, archives, tool: 'ict' });
      server.faults.length = 0;
      ran = 0;
      const used = await steps.run(good);
      expect(used).toEqual(ran === 1 ? output : bad);
      if (outputFault(bad, expects) !== undefined) expect([ran, server.faults.length]).toEqual([1, 1]);
    };
    await fc.assert(fc.asyncProperty(damage(output), check), { numRuns: 40 });
  });

  it('is no image', async () => {
    const images = openBuildRemote(server, undefined, { blobs: cache.blobs, emit } as unknown as Context).images;
    const key = cache.steps.key(IMAGE_STEP, 'inputs');
    const find = (output: Json) => {
      server.records.set(`${IMAGE_STEP} ${key}`, { output, archives: {}, tool: 'ict' });
      return images.find(key);
    };
    expect((await find(image))?.image.artifacts).toMatchObject([{ name: 'a.raw', digest: blob.digest }]);
    for (const name of ['', '.', '..', '.hidden', '../a', 'a\\b', 'a\0', 'x'.repeat(256)])
      expect(await find({ files: [{ name, blob }] })).toBeUndefined();
    expect(await find({ files: [image.files[0], image.files[0]] as Json })).toBeUndefined();
    const check = async (bad: Json): Promise<void> => {
      const found = await find(bad);
      for (const { sizeBytes } of found?.image.artifacts ?? []) expect(sizeBytes).toBeGreaterThanOrEqual(0);
    };
    await fc.assert(fc.asyncProperty(damage(image), check), { numRuns: 100 });
  });

  it('is no earlier layer', async () => {
    const earlier = new EarlierLayers(cache.steps, presence, 'ict');
    const good = { terms: { a: 1 }, layer, metadata: { made: 'once' } };
    const check = async (bad: Json): Promise<void> => {
      await cache.steps.put('ict.earlier', { scope: 'x' }, bad, 'ict');
      const found = await earlier.recall('x', good.terms);
      if (found !== undefined) expect(outputFault({ ...found.layer }, layerOutput)).toBeUndefined();
    };
    await check(good);
    expect(await earlier.recall('x', good.terms)).toEqual({ layer, metadata: good.metadata });
    await fc.assert(fc.asyncProperty(damage(good), check), { numRuns: 60 });
  });
});
