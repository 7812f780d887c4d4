import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeFiles } from '../src/index.js';

const { signal } = new AbortController();
const MIB = 1024 * 1024;
let base: string;
let target: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-place-'));
  target = join(base, 'target');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function empty(sizeBytes: number): void {
  writeFileSync(target, '');
  truncateSync(target, sizeBytes);
}

function file(name: string, content: Uint8Array) {
  writeFileSync(join(base, name), content);
  return { path: join(base, name), sizeBytes: content.length };
}

describe('placeFiles', () => {
  it('puts each content at its place, and touches nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 8 }), async (parts) => {
        let at = 0;
        const expected: Buffer[] = [];
        const files = parts.map(([gap, content], index) => {
          expected.push(Buffer.alloc(gap), Buffer.from(content));
          const placed = { ...file(`file-${index}`, content), offsetBytes: at + gap };
          at += gap + content.length;
          return placed;
        });
        empty(at);
        await placeFiles(files, target, signal);
        expect(readFileSync(target).equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves long runs of zeros out', async () => {
    const content = Buffer.alloc(5 * MIB + 3);
    content.write('end', 5 * MIB);
    empty(6 * MIB);
    await placeFiles([{ ...file('sparse', content), offsetBytes: 100 }], target, signal);
    expect(
      readFileSync(target)
        .subarray(100, 100 + content.length)
        .equals(content),
    ).toBe(true);
    expect(statSync(target).blocks * 512).toBeLessThan(MIB);
  });

  it('refuses a file that is shorter than it should be, a link in its place, and a target that is not there', async () => {
    empty(10);
    const one = { ...file('one', Buffer.from('one')), offsetBytes: 0 };
    await expect(placeFiles([{ ...one, sizeBytes: 4 }], target, signal)).rejects.toThrow('ends before its size');
    symlinkSync('one', join(base, 'link'));
    await expect(placeFiles([{ ...one, path: join(base, 'link') }], target, signal)).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(placeFiles([one], join(base, 'gone'), signal)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stops when the signal says so', async () => {
    empty(40 * MIB);
    const controller = new AbortController();
    const placing = placeFiles([{ ...file('long', Buffer.alloc(40 * MIB, 1)), offsetBytes: 0 }], target, controller.signal);
    controller.abort(new Error('enough'));
    await expect(placing).rejects.toThrow('enough');
  });
});
