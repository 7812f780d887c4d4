import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DER, contextTag, derElement, derInteger, derObjectIdentifier, derSet, readDer } from '../src/der.js';

it.each([
  [derInteger(0), '020100'],
  [derInteger(1), '020101'],
  [derInteger(127), '02017f'],
  [derInteger(128), '02020080'],
  [derInteger(65_537), '0203010001'],
  [derObjectIdentifier('1.2.840.113549.1.7.2'), '06092a864886f70d010702'],
  [derObjectIdentifier('2.16.840.1.101.3.4.2.1'), '0609608648016503040201'],
  [derObjectIdentifier('1.3.6.1.4.1.311.2.1.4'), '060a2b060104018237020104'],
  [derElement(DER.null), '0500'],
  [derElement(contextTag(0, 'primitive'), Buffer.from('ab')), '80026162'],
  [derElement(DER.sequence, derInteger(1), derInteger(2)), '3006020101020102'],
  [derSet(DER.set, [derInteger(2), derInteger(1)]), '3106020101020102'],
])('%# is %s', (bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex);
});

it.each([0, 127, 128, 255, 256, 65_536])('a length of %i is read as it was written', (length) => {
  const content = Buffer.alloc(length, 1);
  const element = derElement(DER.octetString, content);
  expect(readDer(Buffer.concat([element, element]))).toEqual([
    { tag: DER.octetString, bytes: element, content },
    { tag: DER.octetString, bytes: element, content },
  ]);
});

it('rubbish is read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        expect(Buffer.concat(readDer(Buffer.from(bytes)).map((element) => element.bytes))).toEqual(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
