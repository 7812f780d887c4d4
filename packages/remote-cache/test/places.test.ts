import { digestOf } from '@ict/integrity';
import { expect, it } from 'vitest';
import { addressOf, blobPlace, printedAddress, recordPlace } from '../src/places.js';
import { KEY, newSigner } from './world.js';

it.each([
  ['https://cache.example', 'https://cache.example/v1/x'],
  ['https://cache.example/', 'https://cache.example/v1/x'],
  ['https://cache.example/a/b', 'https://cache.example/a/b/v1/x'],
  ['https://cache.example/a%20b//', 'https://cache.example/a%20b/v1/x'],
  ['http://user:s%40cret@cache.example:8080/a', 'http://user:s%40cret@cache.example:8080/a/v1/x'],
  ['https://cache.example/a?sig=1#top', 'https://cache.example/a/v1/x?sig=1'],
  ['file:///srv/cache', 'file:///srv/cache/v1/x'],
])('below %s', (base, expected) => {
  expect(addressOf(base, 'v1/x')).toBe(expected);
});

it.each([
  ['https://user:secret@cache.example/a?sig=secret#secret', 'https://cache.example/a'],
  ['user:secret@cache.example', '(unreadable address)'],
  ['nothing', '(unreadable address)'],
])('%s is printed without secrets', (base, expected) => {
  expect(printedAddress(base)).toBe(expected);
});

it.each([
  ['ict.base', 'ict.base'],
  ['ict.layer.web/admin', 'ict.layer.web%2Fadmin'],
  ['ict.layer.?a#b', 'ict.layer.%3Fa%23b'],
  ['ict.layer.100%', 'ict.layer.100%25'],
])('the type %s is one segment of a path', (type, segment) => {
  const signer = newSigner();
  const place = `v1/records/${signer.id}/${segment}/${KEY}.json`;
  expect(recordPlace({ type, key: KEY }, signer.trusted)).toBe(place);
  expect(addressOf('http://cache.example/', place)).toBe(`http://cache.example/${place}`);
});

it('a blob is named by its content', () => {
  expect(blobPlace(digestOf('abc'))).toBe('v1/blobs/sha256/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zst');
  expect(() => blobPlace(digestOf('abc', 'sha512'))).toThrow(expect.objectContaining({ code: 'ICT_INTEGRITY_DIGEST' }) as Error);
});
