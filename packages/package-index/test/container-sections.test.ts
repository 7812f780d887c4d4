import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSections, encodeSections } from '../src/index.js';
import type { Section } from '../src/index.js';

const KIND = { kind: 'test', version: 3 };

const section: fc.Arbitrary<Section> = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint32Array({ maxLength: 20 }));
const sections = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), section, { maxKeys: 6, noNullPrototype: true });

describe('containers', () => {
  it('give back what was put in, from any place in memory', () => {
    fc.assert(
      fc.property(sections, fc.integer({ min: 0, max: 9 }), (given, shift) => {
        const encoded = encodeSections(KIND, given);
        const moved = new Uint8Array(encoded.length + shift);
        moved.set(encoded, shift);
        const found = decodeSections(KIND, moved.subarray(shift));
        expect(Object.keys(found)).toEqual(Object.keys(given));
        for (const [name, values] of Object.entries(given)) {
          expect(found[name].BYTES_PER_ELEMENT).toBe(values.BYTES_PER_ELEMENT);
          expect([...found[name]]).toEqual([...values]);
        }
      }),
    );
  });

  it('are the same bytes for the same columns', () => {
    const make = (): Uint8Array => encodeSections(KIND, { a: Uint32Array.of(1, 2), b: Uint8Array.of(3) });
    expect(make()).toEqual(make());
  });

  const good = encodeSections(KIND, { numbers: Uint32Array.of(1, 2, 3), bytes: Uint8Array.of(4) });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['something else', Buffer.from('Package: a\nVersion: 1\nArchitecture: all\n')],
    ['a header that is cut off', good.subarray(0, 20)],
    ['a section that is cut off', good.subarray(0, good.length - 8)],
    ['another kind', encodeSections({ kind: 'other', version: 3 }, {})],
    ['another version', encodeSections({ kind: 'test', version: 4 }, {})],
    ['a header that is no JSON', Buffer.concat([Buffer.from('ICTINDEX'), Buffer.from([2, 0, 0, 0]), Buffer.from('{{')])],
    ['a header without sections', Buffer.concat([Buffer.from('ICTINDEX'), Buffer.from([2, 0, 0, 0]), Buffer.from('{}')])],
  ])('refuse %s', (_, bytes) => {
    expect(() => decodeSections(KIND, bytes)).toThrow(expect.objectContaining({ code: 'ICT_PACKAGE_INDEX_INVALID' }));
  });
});
