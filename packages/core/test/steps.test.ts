import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache } from '@ict/cache';
import type { BlobStore, Digest, EventBody, Json, LayerRef } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeDifferences, StepEngine, type StepCall } from '../src/steps.js';

const digest = `sha256:${'a'.repeat(64)}` as Digest;
const layer: LayerRef & Json = { kind: 'layer', digest, entries: 1, sizeBytes: 1 };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-steps-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function setUp(present: () => boolean = () => true) {
  const events: EventBody[] = [];
  const { steps } = await openCache({ cacheDir: directory, clock: () => 1 });
  const blobs = { path: async () => (present() ? '/blob' : undefined) } as unknown as BlobStore;
  const engine = new StepEngine(steps, blobs, { has: async () => present() }, { name: 'core', version: '1' }, (event) =>
    events.push(event),
  );
  return { engine, events };
}

function call(key: Json, output: Json, runs: { count: number }, version = 1): StepCall<Json> {
  const run = async () => {
    runs.count++;
    return output;
  };
  return { type: 'test.step', version, by: { name: 'plugin', version: '1' }, key, run };
}

it('tells modes as templates write them', () => {
  const differences = [
    { path: 'files[0].mode', before: 0o644, after: 0o600 },
    { path: 'disk.sizeBytes', before: 8, after: 9 },
  ];
  expect(describeDifferences(differences)).toBe('files[0].mode: 644 became 600; disk.sizeBytes: 8 became 9');
});

describe('StepEngine', () => {
  it('runs once for equal input and hits afterwards', async () => {
    const { engine, events } = await setUp();
    const runs = { count: 0 };
    expect(await engine.run(call({ a: 1 }, layer, runs))).toEqual(layer);
    expect(await engine.run(call({ a: 1 }, layer, runs))).toEqual(layer);
    expect(runs.count).toBe(1);
    expect(events.map((event) => event.type)).toEqual(['step.miss', 'step.start', 'step.stored', 'step.hit']);
  });

  it.each([
    ['input', call({ a: 2 }, layer, { count: 0 })],
    ['version', call({ a: 1 }, layer, { count: 0 }, 2)],
    ['code', { ...call({ a: 1 }, layer, { count: 0 }), by: { name: 'plugin', version: '1', code: 'other' } }],
  ])('misses when the %s differs, and says so', async (_what, changed) => {
    const { engine } = await setUp();
    await engine.run(call({ a: 1 }, layer, { count: 0 }));
    await engine.run(changed);
    expect(engine.reports.map((report) => report.hit)).toEqual([false, false]);
    expect(engine.reports[1].reason).toMatch(/became/);
  });

  it('runs again when a stored layer or blob is gone', async () => {
    let here = true;
    const { engine } = await setUp(() => here);
    const runs = { count: 0 };
    const output = { files: [{ kind: 'blob', digest, sizeBytes: 1 }] };
    await engine.run(call(1, output, runs));
    here = false;
    await engine.run(call(1, output, runs));
    expect(runs.count).toBe(2);
    expect(engine.reports[1].reason).toBe('the stored file is gone or damaged');
  });

  it('runs, and says why, where results can neither be read nor kept', async () => {
    const { engine, events } = await setUp();
    const steps = join(directory, '.ict', 'index', 'steps');
    await symlink(steps, steps); // every look at it is ELOOP, for root as well
    const runs = { count: 0 };
    expect(await engine.run(call(1, layer, runs))).toEqual(layer);
    expect(await engine.run(call(1, layer, runs))).toEqual(layer);
    expect(runs.count).toBe(2);
    expect(engine.reports.map(({ reason }) => reason)).toEqual(Array(2).fill('the results in the cache cannot be read: ELOOP'));
    expect(events.filter(({ type }) => type === 'step.stored')).toEqual([]);
    expect(await engine.peek(call(1, layer, runs))).toMatchObject({ differences: [], reason: expect.stringContaining('ELOOP') as string });
  });

  it('stores nothing when the work fails', async () => {
    const { engine } = await setUp();
    const failing = { ...call(1, layer, { count: 0 }), run: () => Promise.reject(new Error('broken')) };
    await expect(engine.run(failing)).rejects.toThrow('broken');
    const runs = { count: 0 };
    await engine.run(call(1, layer, runs));
    expect(runs.count).toBe(1);
  });

  it('peeks without running', async () => {
    const { engine } = await setUp();
    const question = call(1, layer, { count: 0 });
    expect((await engine.peek(question)).output).toBeUndefined();
    await engine.run(call(1, layer, { count: 0 }));
    expect((await engine.peek(question)).output).toEqual(layer);
  });
});
