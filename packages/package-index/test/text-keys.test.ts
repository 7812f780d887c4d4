import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextKeys } from '../src/text-keys.js';

describe('TextKeys', () => {
  it('numbers different texts in the order in which they come', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 60 }), (texts) => {
        const buffers = texts.map((text) => Buffer.from(text));
        const bytes = Buffer.concat(buffers);
        const keys = new TextKeys(bytes, 1);
        let at = 0;
        const numbers = buffers.map(({ length }) => keys.keyOf(at, (at += length)));
        const order = [...new Set(texts)];
        expect(numbers).toEqual(texts.map((text) => order.indexOf(text)));
        expect(keys.size).toBe(order.length);
        const { starts, lengths } = keys.columns();
        expect(order.map((_, key) => bytes.toString('utf8', starts[key], starts[key]! + lengths[key]!))).toEqual(order);
        expect([...lengths]).toEqual(order.map((text) => Buffer.byteLength(text)));
      }),
    );
  });
});
