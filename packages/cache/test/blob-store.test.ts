import { chmodSync, existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childScript, makeCacheRig, startChild, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

const text = 'some content';
const digest = digestOf(text);
const pathOf = (): string => join(rig.cacheDir, '.ict/blobs/sha256', digest.slice(7, 9), digest.slice(7));

function overwrite(path: string, content: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, content);
}

describe('blobs', () => {
  it('are stored by digest, read-only, and the source is moved', async () => {
    const cache = await rig.open();
    const file = rig.file(text);
    expect(await cache.blobs.putFile(file)).toEqual({ kind: 'blob', digest, sizeBytes: text.length });
    expect(existsSync(file)).toBe(false);
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    expect(readFileSync(pathOf(), 'utf8')).toBe(text);
    expect(statSync(pathOf()).mode & 0o777).toBe(0o444);
    expect(statSync(pathOf()).nlink).toBe(1);
  });

  it('are what was put, whatever it was', async () => {
    const cache = await rig.open();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.boolean(), async (bytes, asFile) => {
        const ref = asFile ? await cache.blobs.putFile(rig.file(bytes)) : await cache.blobs.putBytes(bytes);
        expect(ref).toEqual({ kind: 'blob', digest: digestOf(bytes), sizeBytes: bytes.length });
        expect(readFileSync((await cache.blobs.path(ref.digest)) ?? '')).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it('put twice are one', async () => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    const { ino } = statSync(pathOf());
    await cache.blobs.putBytes(Buffer.from(text));
    await cache.blobs.putFile(rig.file(text), { digest, sizeBytes: text.length });
    expect(statSync(pathOf()).ino).toBe(ino);
    expect(rig.temporaryFiles()).toEqual([]);
  });

  it('are not hashed again while their stat signature holds, except in full mode', async () => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    rig.hashed.length = 0;
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    expect(rig.hashed).toEqual([]);
    utimesSync(pathOf(), 1, 1);
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    expect(rig.hashed).toEqual([pathOf()]);
    const full = await rig.open({ mode: 'full' });
    expect(await full.blobs.path(digest)).toBe(pathOf());
    expect(rig.hashed).toHaveLength(2);
  });

  it.each([
    ['changed, with size and times restored', () => overwriteInPlace('same content')],
    ['truncated', () => overwrite(pathOf(), '')],
    ['grown', () => overwrite(pathOf(), `${text} `)],
  ])('that were %s are dropped, and can be put again', async (_name, damage) => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    await cache.blobs.putBytes(Buffer.from('a bystander'));
    damage();
    expect(await cache.blobs.path(digest)).toBeUndefined();
    expect(existsSync(pathOf())).toBe(false);
    expect(rig.events).toMatchObject([{ type: 'warning', code: 'ICT_CACHE_DAMAGED' }]);
    expect(await cache.blobs.path(digestOf('a bystander'))).toBeDefined();
    await cache.blobs.putBytes(Buffer.from(text));
    expect(await cache.blobs.path(digest)).toBe(pathOf());
  });

  it.each(['', '{', 'null', '{"digest":"x"}'])('whose record is %j after a power cut are hashed, and found', async (record) => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    const hex = digest.slice('sha256:'.length);
    overwrite(join(rig.cacheDir, '.ict/index/blobs', hex.slice(0, 2), `${hex}.json`), record);
    rig.hashed.length = 0;
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    expect(rig.hashed).toEqual([pathOf()]);
  });

  it('putting over a damaged one repairs it', async () => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    overwrite(pathOf(), 'evil content');
    await cache.blobs.putFile(rig.file(text));
    expect(readFileSync(pathOf(), 'utf8')).toBe(text);
  });

  it('of another size than was announced are refused, and nothing stays behind', async () => {
    const cache = await rig.open();
    const known = { digest, sizeBytes: 1 };
    await expect(cache.blobs.putFile(rig.file(text), known)).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH', kind: 'integrity' });
    expect(await cache.blobs.path(digest)).toBeUndefined();
    expect(rig.temporaryFiles()).toEqual([]);
  });

  it('are missed when they or their records are removed by hand', async () => {
    const cache = await rig.open();
    await cache.blobs.putBytes(Buffer.from(text));
    rmSync(join(rig.cacheDir, '.ict/index'), { recursive: true });
    expect(await cache.blobs.path(digest)).toBe(pathOf());
    rmSync(join(rig.cacheDir, '.ict/blobs'), { recursive: true });
    expect(await cache.blobs.path(digest)).toBeUndefined();
    await cache.blobs.putBytes(Buffer.from(text));
    expect(await cache.blobs.path(digest)).toBe(pathOf());
  });

  it('published by many processes at once come out whole', async () => {
    const count = 60;
    const script = childScript(
      rig.cacheDir,
      `const cache = await open();
       for (let index = 0; index < ${count}; index += 1) await cache.blobs.putBytes(Buffer.from(('blob ' + index + ' ').repeat(2000)));`,
    );
    const codes = await Promise.all(Array.from({ length: 3 }, () => new Promise((resolve) => startChild(script).on('exit', resolve))));
    expect(codes).toEqual([0, 0, 0]);
    const cache = await rig.open({ mode: 'full' });
    for (let index = 0; index < count; index += 1) {
      expect(await cache.blobs.path(digestOf(`blob ${index} `.repeat(2000)))).toBeDefined();
    }
    expect(rig.events).toEqual([]);
    expect(rig.list('.ict/blobs/sha256').flatMap((name) => rig.list(`.ict/blobs/sha256/${name}`))).toHaveLength(count);
  });
});

/** A change that keeps size, mtime and inode: only the ctime tells. */
function overwriteInPlace(content: string): void {
  const { atimeMs, mtimeMs } = statSync(pathOf());
  overwrite(pathOf(), content);
  utimesSync(pathOf(), atimeMs / 1000, mtimeMs / 1000);
}
