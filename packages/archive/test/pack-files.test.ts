import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackTarget } from '@ict/plugin-api';
import { packFiles } from '../src/index.js';

const BLOCK = 512;
const { signal } = new AbortController();
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-pack-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function target(free: PackTarget['free'], offsetBytes = 0): PackTarget {
  const file = join(base, 'target');
  writeFileSync(file, '');
  truncateSync(file, offsetBytes + 4096 * BLOCK);
  return { file, offsetBytes, blockBytes: BLOCK, free };
}

function files(contents: readonly Uint8Array[]) {
  return contents.map((content, index) => {
    const path = join(base, `file-${index}`);
    writeFileSync(path, content);
    return { path, sizeBytes: content.length };
  });
}

/** Blocks of which some are zeros, the last one cut. */
const content = fc
  .tuple(fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: 1, max: 5 })), { maxLength: 5 }), fc.integer({ min: 1, max: BLOCK }))
  .map(([runs, last]) => {
    const whole = Buffer.concat(runs.map(([fill, blocks]) => Buffer.alloc(blocks * BLOCK, fill)));
    return whole.subarray(0, Math.max(0, whole.length - BLOCK + last));
  });
/** Pieces of room, each behind the one before it. */
const room = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 8 })
  .map((pieces) => {
    let at = 0;
    return pieces.map(([gap, count]) => {
      const range = { at: at + gap, count };
      at = range.at + count;
      return range;
    });
  });

describe('packFiles', () => {
  it('writes everything but zeros, in order, where there is room', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 8 }), room, fc.nat({ max: 700 }), async (contents, free, offset) => {
        const place = target(free, offset);
        const packing = await packFiles(files(contents), place, signal);
        const blocksOf = (bytes: Uint8Array): Buffer[] => {
          const padded = Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
          return Array.from({ length: padded.length / BLOCK }, (_, index) => padded.subarray(index * BLOCK, (index + 1) * BLOCK));
        };
        const needed = contents.flatMap(blocksOf).filter((block) => block.some((byte) => byte !== 0)).length;
        const available = free.flatMap(({ at, count }) => Array.from({ length: count }, (_, index) => at + index));
        if (needed > available.length) {
          expect(packing).toEqual({ kind: 'full', blocks: needed });
          return;
        }
        if (packing.kind !== 'packed') throw new Error('there was room');
        const written = readFileSync(place.file).subarray(offset);
        const used: number[] = [];
        contents.forEach((bytes, index) => {
          const read = Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK);
          for (const { first, at, count } of packing.extents[index] ?? []) {
            written.copy(read, first * BLOCK, at * BLOCK, (at + count) * BLOCK);
            for (let block = 0; block < count; block++) used.push(at + block);
          }
          expect(read.equals(Buffer.concat(blocksOf(bytes)))).toBe(true);
        });
        expect(used).toEqual(available.slice(0, needed));
        for (const block of used) written.fill(0, block * BLOCK, (block + 1) * BLOCK);
        expect(written.every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('makes one extent of what follows each other over many pieces', async () => {
    const [file] = files([Buffer.alloc(3_000_001, 7)]);
    const packing = await packFiles([file as { path: string; sizeBytes: number }], { ...target([{ at: 2, count: 8000 }]) }, signal);
    expect(packing).toEqual({ kind: 'packed', extents: [[{ first: 0, at: 2, count: 5860 }]] });
  });

  it('refuses a file that ends before its size', async () => {
    const [file] = files([Buffer.from('short')]);
    const long = { ...(file as { path: string }), sizeBytes: 6 };
    await expect(packFiles([long], target([{ at: 0, count: 9 }]), signal)).rejects.toThrow('ends before its size');
  });

  it('follows no link', async () => {
    mkdirSync(join(base, 'elsewhere'));
    writeFileSync(join(base, 'elsewhere/secret'), 'secret');
    symlinkSync('elsewhere/secret', join(base, 'link'));
    const packing = packFiles([{ path: join(base, 'link'), sizeBytes: 6 }], target([{ at: 0, count: 9 }]), signal);
    await expect(packing).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it('stops when it is told to, even in the middle of a file', async () => {
    const [file] = files([Buffer.alloc(40_000_000)]);
    const controller = new AbortController();
    const packing = packFiles([file as { path: string; sizeBytes: number }], target([]), controller.signal);
    controller.abort(new Error('enough'));
    await expect(packing).rejects.toThrow('enough');
  });
});
