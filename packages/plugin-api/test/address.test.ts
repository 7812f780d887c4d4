import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareAddress, fileAddress, isArchiveAddress, withoutCredentials } from '../src/address.js';

describe('bareAddress', () => {
  it.each([
    ['http://ftp.debian.org/debian', 'http://ftp.debian.org/debian'],
    ['https://user:secret@h.example/debian', 'https://h.example/debian'],
    ['https://user:secret@h.example', 'https://h.example'],
    ['https://user:secret@h.example/', 'https://h.example/'],
    ['https://token@h.example:8443/debian/', 'https://h.example:8443/debian/'],
    ['https://user:sec@ret@h.example/metalink?repo=a', 'https://h.example/metalink?repo=a'],
    [`https://user:it's"secret@h.example/debian`, 'https://h.example/debian'],
    // Nothing of these can be fetched, and all are printed by the error that says so.
    ['http://user:secret@h.example:99999/debian', 'http://h.example:99999/debian'],
    ['http://user:sec/ret@h.example/debian', 'http://h.example/debian'],
    ['http://user:sec?ret@h.example/debian', 'http://h.example/debian'],
    ['htp://user:secret@h.example/debian', 'htp://h.example/debian'],
    ['user:secret@h.example/debian', 'h.example/debian'],
    ['//user:secret@h.example/debian', '//h.example/debian'],
    ['http://user:secret@', 'http://'],
    // An "@" that ends no password.
    ['http://h.example/@scope/debian', 'http://h.example/@scope/debian'],
    ['file:///srv/me@work/debian', 'file:///srv/me@work/debian'],
    ['/srv/me@work/debian', '/srv/me@work/debian'],
    ['//srv/me@work/debian', '//srv/me@work/debian'],
    ['./me@work/debian', './me@work/debian'],
  ])('%s', (address, bare) => {
    expect(bareAddress(address)).toBe(bare);
  });

  it('leaves no password in any address, and names the same place', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (address) => {
        const secret = new URL(address);
        secret.username = 'someone';
        secret.password = 'hunter2hunter2';
        const bare = bareAddress(secret.href);
        expect(bare).not.toContain('hunter2');
        expect(new URL(bare).href).toBe(new URL(address).href);
      }),
      { numRuns: 30 },
    );
  });
});

describe('withoutCredentials', () => {
  it.each([
    ['url: http://user:secret@h.example/debian # mine', 'url: http://h.example/debian # mine'],
    ['{"a": "http://user:sec@ret@h.example", "b": 1}', '{"a": "http://h.example", "b": 1}'],
    ["'http://user:it's@h.example/x'", "'http://h.example/x'"],
    ['http://user:sec/ret@h.example/debian', 'http://h.example/debian'],
    ['http://a:b@one.example/x=ftp://c:d@two.example/y', 'http://one.example/x=ftp://two.example/y'],
    ['http://h.example:80/a@b and me@work', 'http://h.example:80/a@b and me@work'],
    ['http://h.example: see me@work', 'http://h.example: see me@work'],
    ['"http://me:my planted pass@h.example/x" # mine', '"http://h.example/x" # mine'],
    ['http://deploy@corp.example:pl/anted@h.example/x', 'http://h.example/x'],
    ['http://deploy@corp.example:planted@h.example:80/x?a@b', 'http://h.example:80/x?a@b'],
    ['"http://h.example: see me@work"', '"http://h.example: see me@work"'],
    ['two\tlines\n  http://user:secret@h.example/x\r\n', 'two\tlines\n  http://h.example/x\r\n'],
  ])('%s', (text, bare) => {
    expect(withoutCredentials(text)).toBe(bare);
  });

  it('covers them instead', () => {
    expect(withoutCredentials('http://user:secret@h.example/x', () => '***')).toBe('http://***@h.example/x');
    expect(withoutCredentials('"http://user:a secret@h.example/x"', () => '***')).toBe('"http://***@h.example/x"');
    expect(withoutCredentials('"http://user:secret@h.example/x"', ({ length }) => '*'.repeat(length))).toBe(
      '"http://***********@h.example/x"',
    );
  });
});

it.each([
  ['https://host.example', true],
  ['http://host.example:8080/el9/os', true],
  ['https://host.example/a%20b/%C3%A9', true],
  ['https://host.example/', false],
  ['https://host.example/el9/', false],
  ['https://host.example/a/../b', false],
  ['https://host.example/a/%2e%2e/b', false],
  ['https://Host.example', false],
  ['HTTPS://host.example', false],
  ['https://host.example:443', false],
  ['https://host.example/é', false],
  ['https://user@host.example', false],
  ['https://user:secret@host.example', false],
  ['https://host.example?a', false],
  ['https://host.example?', false],
  ['https://host.example/#a', false],
  [' https://host.example', false],
  ['file:///srv', false],
  ['ftp://host.example', false],
  ['//host.example', false],
  ['el9/os', false],
  ['', false],
])('may be where files of a repository lie: %s, %s', (text, expected) => {
  expect(isArchiveAddress(text)).toBe(expected);
});

it('is of a file below the archive of its repository, unless the file says which other one it is in', () => {
  const repository = { archive: 'http://archive.example/os' };
  expect(fileAddress(repository, { path: 'p/a' })).toBe('http://archive.example/os/p/a');
  expect(fileAddress(repository, { archive: 'https://other.example', path: 'p/a' })).toBe('https://other.example/p/a');
});
