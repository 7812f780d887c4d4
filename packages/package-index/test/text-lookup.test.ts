import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSections, encodeSections, lookupColumns, lookupSections, TextLookup, TextLookupBuilder } from '../src/index.js';

const KIND = { kind: 'test', version: 1 };

describe('TextLookup', () => {
  it('finds the rows of each text as a Map does, before and after it was stored', () => {
    const word = fc.constantFrom('a', 'b', 'ab', 'ba', 'libä', 'c', 'constructor', '');
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (rows, expected) => {
        const bytes = Buffer.from(rows.flat().join('|'));
        const builder = new TextLookupBuilder(bytes, expected);
        const known = new Map<string, number[]>();
        let at = 0;
        rows.forEach((words, row) => {
          for (const each of words) {
            const length = Buffer.byteLength(each);
            builder.add(at, at + length, row);
            at += length + 1;
            const found = known.get(each) ?? [];
            known.set(each, found.includes(row) ? found : [...found, row]);
          }
        });
        const columns = builder.build();
        const stored = lookupColumns('names', decodeSections(KIND, encodeSections(KIND, lookupSections('names', columns))));
        for (const lookup of [new TextLookup(bytes, columns), new TextLookup(bytes, stored!)]) {
          expect([...lookup.texts()]).toEqual([...known.keys()]);
          for (const [text, found] of known) expect([...lookup.find(text)]).toEqual(found);
          for (const text of known.keys()) expect(lookup.textOf(lookup.key(text))).toBe(text);
          expect([...lookup.find('nothing like it')]).toEqual([]);
          expect(lookup.key('nothing like it')).toBe(-1);
        }
      }),
    );
  });

  it('is not made of columns that are missing', () => {
    expect(lookupColumns('names', { 'names.slots': new Uint32Array(16), 'names.rows': new Uint8Array(1) })).toBeUndefined();
  });
});
