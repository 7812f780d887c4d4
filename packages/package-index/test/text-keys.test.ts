import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextKeys } from '../src/text-keys.js';

describe('TextKeys', () => {
  it('numbers different texts in the order in which they come', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 60 }), (texts) => {
        const buffers = texts.map((text) => Buffer.from(text));
        const keys = new TextKeys(Buffer.concat(buffers), 1);
        let at = 0;
        const numbers = buffers.map(({ length }) => keys.keyOf(at, (at += length)));
        const order = [...new Set(texts)];
        expect(numbers).toEqual(texts.map((text) => order.indexOf(text)));
        expect(keys.size).toBe(order.length);
        expect(order.map((_, key) => keys.text(key))).toEqual(order);
        expect([...keys.columns().lengths]).toEqual(order.map((text) => Buffer.byteLength(text)));
      }),
    );
  });

  it('can keep copies of texts that come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 }), { maxLength: 60 }), (texts) => {
        const keys = new TextKeys(undefined, 1);
        const buffer = Buffer.alloc(200);
        const numbers = texts.map((text) => keys.keyOf(7, 7 + buffer.write(text, 7), buffer));
        buffer.fill(0);
        const order = [...new Set(texts)];
        expect(numbers).toEqual(texts.map((text) => order.indexOf(text)));
        expect(order.map((_, key) => keys.text(key))).toEqual(order);
        expect(order.map((text, key) => keys.textAt(keys.start(key), Buffer.byteLength(text)))).toEqual(order);
        expect(Buffer.from(keys.bytes).toString()).toBe(order.join(''));
      }),
    );
  });
});
