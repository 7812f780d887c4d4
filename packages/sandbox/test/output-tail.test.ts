import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OutputTail } from '../src/output-tail.js';

it('keeps the last bytes, whatever the chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 20 })), fc.integer({ min: 1, max: 30 }), (chunks, limit) => {
      const tail = new OutputTail(limit);
      for (const chunk of chunks) tail.push(Buffer.from(chunk));
      expect(tail.text()).toBe(chunks.join('').slice(-limit));
    }),
  );
});

it('leaves out a character that the limit splits', () => {
  const tail = new OutputTail(4);
  tail.push(Buffer.from('aé€'));
  expect(tail.text()).toBe('€');
});
