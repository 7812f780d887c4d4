import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextHeap } from '../src/index.js';

function textAt(heap: TextHeap, offset: number, length: number): string {
  return Buffer.from(heap.bytes).toString('utf8', offset, offset + length);
}

describe('TextHeap', () => {
  it('stores an interned text once and an appended one each time, however much it must grow', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.string({ unit: 'grapheme-ascii', maxLength: 6 })), { maxLength: 120 }), (given) => {
        const heap = new TextHeap(16, 2);
        const interned = new Map<string, number>();
        const offsets = new Set<number>();
        for (const [once, text] of given) {
          const bytes = Buffer.from(`<${text}>`);
          const offset = once ? heap.intern(bytes, 1, bytes.length - 1) : heap.append(bytes, 1, bytes.length - 1);
          expect(offset).toBeGreaterThan(0);
          expect(textAt(heap, offset, bytes.length - 2)).toBe(text);
          const known = once ? interned.get(text) : undefined;
          if (known === undefined) expect(offsets.has(offset)).toBe(false);
          else expect(offset).toBe(known);
          offsets.add(offset);
          if (once) interned.set(text, offset);
        }
        expect(Buffer.from(heap.bytes).toString('utf8').split('\n').length).toBe(offsets.size + 2);
      }),
    );
  });
});
