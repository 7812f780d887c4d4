import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheKey } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import { makeCacheRig, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
});
afterEach(() => rig.close());

const anyJson = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);
const stepPath = (inputs: Json): string => {
  const key = cacheKey('deb.install', inputs);
  return join(rig.cacheDir, '.ict/index/steps/deb.install', key.slice(0, 2), `${key}.json`);
};

describe('steps', () => {
  it('are got by what shaped them', async () => {
    const inputs = { packages: ['a', 'b'], epoch: 5 };
    const record = await cache.steps.put('deb.install', inputs, { kind: 'layer' }, 'ict 0.1.0');
    expect(record).toEqual({ key: cacheKey('deb.install', inputs), inputs, output: { kind: 'layer' }, storedAt: 1000, tool: 'ict 0.1.0' });
    expect(await cache.steps.get('deb.install', { epoch: 5, packages: ['a', 'b'] })).toEqual(record);
    expect(await cache.steps.get('deb.install', { ...inputs, epoch: 6 })).toBeUndefined();
    expect(await cache.steps.get('deb.remove', inputs)).toBeUndefined();
    await cache.steps.remove('deb.install', inputs);
    expect(await cache.steps.get('deb.install', inputs)).toBeUndefined();
  });

  it('round trip, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, anyJson, async (inputs, output) => {
        await cache.steps.put('t', inputs, output, 'x');
        expect((await cache.steps.get('t', inputs))?.output).toEqual(output);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['output', (text: string) => text.replace('"good"', '"evil"')],
    ['inputs', (text: string) => text.replace('"a"', '"b"')],
    ['key', (text: string) => text.replace(/"key":"./, '"key":"0')],
    ['half of it', (text: string) => text.slice(0, text.length / 2)],
    ['all of it', () => ''],
  ])('with damaged %s are a miss', async (_name, change) => {
    const inputs = { name: 'a' };
    await cache.steps.put('deb.install', inputs, 'good', 'x');
    const text = readFileSync(stepPath(inputs), 'utf8');
    writeFileSync(stepPath(inputs), change(text));
    if (change(text) === text) return expect(text).toContain('"key":"0');
    expect(await cache.steps.get('deb.install', inputs)).toBeUndefined();
  });

  it('under a name that is not theirs are a miss', async () => {
    await cache.steps.put('deb.install', { name: 'a' }, 'good', 'x');
    await cache.steps.put('deb.install', { name: 'b' }, 'good', 'x');
    writeFileSync(stepPath({ name: 'b' }), readFileSync(stepPath({ name: 'a' })));
    expect(await cache.steps.get('deb.install', { name: 'b' })).toBeUndefined();
  });

  it('nearest explains a miss by the record that differs least, the later one when equal', async () => {
    expect(await cache.steps.nearest('deb.install', {})).toBeUndefined();
    const far = { packages: ['x', 'y', 'z'], epoch: 1, tool: 'old' };
    const near = { packages: ['a', 'b'], epoch: 5, tool: 'new' };
    await cache.steps.put('deb.install', near, 1, 'x');
    rig.time += 1;
    await cache.steps.put('deb.install', far, 2, 'x');
    const found = await cache.steps.nearest('deb.install', { packages: ['a', 'b', 'c'], epoch: 5, tool: 'new' });
    expect(found?.record.output).toBe(1);
    expect(found?.differences).toEqual([{ path: 'packages[2]', before: undefined, after: 'c' }]);
    rig.time += 1;
    await cache.steps.put('deb.install', { ...near, packages: ['a', 'd'] }, 3, 'x');
    const later = await cache.steps.nearest('deb.install', { ...near, packages: ['a', 'c'] });
    expect(later?.record.output).toBe(3);
    const all: unknown[] = [];
    for await (const record of cache.steps.records('deb.install')) all.push(record.output);
    expect(all.sort()).toEqual([1, 2, 3]);
  });

  it('looks at recent records only', async () => {
    for (let index = 0; index < 18; index += 1) {
      await cache.steps.put('deb.install', { index }, index, 'x');
      utimesSync(stepPath({ index }), index, index);
    }
    expect((await cache.steps.nearest('deb.install', { index: 0 }))?.record.output).not.toBe(0);
    expect((await cache.steps.nearest('deb.install', { index: 5 }))?.differences).toEqual([]);
  });

  it('of any bytes are what was stored, or a miss', async () => {
    const inputs = { name: 'a' };
    const stored = await cache.steps.put('deb.install', inputs, { kind: 'layer', size: 5 }, 'x');
    const sound = readFileSync(stepPath(inputs));
    let missed = 0;
    await fc.assert(
      fc.asyncProperty(hostileBytes(sound), async (bytes) => {
        writeFileSync(stepPath(inputs), bytes);
        const record = await cache.steps.get('deb.install', inputs);
        if (record === undefined) missed += 1;
        else expect({ ...record, storedAt: 0, tool: '' }).toEqual({ ...stored, storedAt: 0, tool: '' });
      }),
      { numRuns: 300 },
    );
    expect(missed).toBeGreaterThan(200);
  });

  it('refuses types that are no plain names', async () => {
    await expect(async () => cache.steps.put('../x', 1, 1, 'x')).rejects.toMatchObject({ code: 'ICT_CACHE_NAME' });
  });
});

/** Any bytes; and sound ones of which a part is replaced by others, more or fewer. */
function hostileBytes(sound: Uint8Array): fc.Arbitrary<Uint8Array> {
  const spliced = fc
    .tuple(fc.nat(sound.length), fc.nat(5), fc.uint8Array({ maxLength: 5 }))
    .map(([at, gone, bytes]) => Buffer.concat([sound.subarray(0, at), bytes, sound.subarray(at + gone)]));
  return fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text)), spliced); // prettier-ignore
}

describe('memos', () => {
  const files = (): string[] =>
    readdirSync(join(rig.cacheDir, '.ict/memo'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it('round trip, by kind and key', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, anyJson, async (key, value) => {
        await cache.memo.set('kind', key, value);
        expect(await cache.memo.get('kind', key)).toEqual(value);
        expect(await cache.memo.get('other', key)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('are JSON documents', async () => {
    await cache.memo.set('kind', 'key', { b: 1, a: [null] });
    expect(JSON.parse(readFileSync(files()[0] ?? '', 'utf8'))).toMatchObject({ value: { a: [null], b: 1 } });
  });

  it.each([
    ['changed', (text: string) => text.replace('good', 'evil')],
    ['cut', (text: string) => text.slice(0, -1)],
    ['emptied', () => ''],
    ['replaced', () => '{"value":"good"}'],
  ])('that were %s are dropped', async (_name, change) => {
    await cache.memo.set('kind', 'key', 'good');
    const [file] = files();
    writeFileSync(file ?? '', change(readFileSync(file ?? '', 'utf8')));
    expect(await cache.memo.get('kind', 'key')).toBeUndefined();
    expect(existsSync(file ?? '')).toBe(false);
  });

  it('of any bytes are what was remembered, or dropped', async () => {
    await cache.memo.set('kind', 'key', { a: ['good', 1] });
    const [file = ''] = files();
    const sound = readFileSync(file);
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(hostileBytes(sound), async (bytes) => {
        writeFileSync(file, bytes);
        const value = await cache.memo.get('kind', 'key');
        expect([undefined, '{"a":["good",1]}']).toContain(value === undefined ? undefined : JSON.stringify(value));
        if (value === undefined) dropped += 1;
      }),
      { numRuns: 300 },
    );
    expect(dropped).toBeGreaterThan(200);
  });

  it('that cannot be written are not remembered, with a warning', async () => {
    rmSync(join(rig.cacheDir, '.ict/memo'), { recursive: true });
    writeFileSync(join(rig.cacheDir, '.ict/memo'), '');
    await cache.memo.set('kind', 'key', 'value');
    expect(await cache.memo.get('kind', 'key')).toBeUndefined();
    expect(rig.events).toMatchObject([{ type: 'warning', code: 'ICT_CACHE_UNWRITABLE' }]);
    chmodSync(join(rig.cacheDir, '.ict/memo'), 0o600);
  });
});
