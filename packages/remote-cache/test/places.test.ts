import { digestOf } from '@ict/integrity';
import { expect, it } from 'vitest';
import { blobPlace, recordPlace } from '../src/places.js';
import { addressOf } from '../src/stores/address.js';
import { KEY, newSigner } from './world.js';

it.each([
  ['ict.base', 'ict.base'],
  ['ict.layer.web/admin', 'ict.layer.web%2Fadmin'],
  ['ict.layer.?a#b', 'ict.layer.%3Fa%23b'],
  ['ict.layer.100%', 'ict.layer.100%25'],
])('the type %s is one segment of a path', (type, segment) => {
  const signer = newSigner();
  const place = `v1/records/${signer.id}/${segment}/${KEY}.json`;
  expect(recordPlace({ type, key: KEY }, signer.trusted)).toBe(place);
  expect(addressOf(new URL('http://cache.example/'), place)).toBe(`http://cache.example/${place}`);
});

it('a blob is named by its content', () => {
  expect(blobPlace(digestOf('abc'))).toBe('v1/blobs/sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zst');
  expect(() => blobPlace(digestOf('abc', 'sha512'))).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }) as Error);
});
