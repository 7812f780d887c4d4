import { expect, it } from 'vitest';
import { addressOf, printedAddress } from '../../src/stores/address.js';

it.each([
  ['https://cache.example', 'https://cache.example/v1/x'],
  ['https://cache.example/', 'https://cache.example/v1/x'],
  ['https://cache.example/a/b', 'https://cache.example/a/b/v1/x'],
  ['https://cache.example/a%20b//', 'https://cache.example/a%20b/v1/x'],
  ['http://user:s%40cret@cache.example:8080/a', 'http://user:s%40cret@cache.example:8080/a/v1/x'],
  ['https://cache.example/a?sig=1#top', 'https://cache.example/a/v1/x?sig=1'],
  ['file:///srv/cache', 'file:///srv/cache/v1/x'],
])('below %s', (base, expected) => {
  expect(addressOf(new URL(base), 'v1/x')).toBe(expected);
});

it.each([
  ['https://user:secret@cache.example/a?sig=secret#secret', 'https://cache.example/a'],
  ['oci://user:secret@registry.example/a/b', 'oci://registry.example/a/b'],
  ['user:secret@cache.example', '(unreadable address)'],
  ['nothing', '(unreadable address)'],
])('%s is printed without secrets', (base, expected) => {
  expect(printedAddress(base)).toBe(expected);
});
