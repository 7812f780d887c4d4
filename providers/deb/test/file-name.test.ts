import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFileName } from '../src/file-name.js';

it.each([
  ['hello', '2.10-3', 'amd64', 'hello_2.10-3_amd64.deb'],
  ['iputils-ping', '3:20221126-1+deb12u1', 'amd64', 'iputils-ping_3%3a20221126-1+deb12u1_amd64.deb'],
  ['usr-is-merged', '37~deb12u1', 'all', 'usr-is-merged_37~deb12u1_all.deb'],
  ['libstdc++6', '1:12_2', 'amd64', 'libstdc++6_1%3a12%5f2_amd64.deb'],
])('%s %s %s is %s', (name, version, arch, expected) => {
  expect(createFileName({ name, version, arch })).toBe(expected);
});

it('is one plain file name, whatever the record says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (name, version) => {
      expect(createFileName({ name, version, arch: 'all' })).toMatch(/^[A-Za-z0-9.+~%-]*_[A-Za-z0-9.+~%-]*_all\.deb$/);
    }),
  );
});
