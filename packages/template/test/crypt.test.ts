import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivedSalt, isCryptHash, shaCrypt } from '../src/sections/crypt.js';

const long = 'a very much longer text to encrypt.  This one even stretches over morethan one line.';

describe('shaCrypt gives the results of its specification', () => {
  it.each([
    ['saltstring', 'Hello world!', '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'],
    [
      'rounds=10000$saltstringsaltstring',
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'rounds=5000$toolongsaltstring',
      'This is just a test',
      '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
    ],
    [
      'rounds=1400$anotherlongsaltstring',
      long,
      '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
    ],
    [
      'rounds=10$roundstoolow',
      'the minimum number is still observed',
      '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
    ],
  ])('sha512, salt %j', (salt, password, hash) => {
    expect(shaCrypt('sha512', password, salt)).toBe(hash);
  });

  it.each([
    ['saltstring', 'Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['rounds=10000$saltstringsaltstring', 'Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    ['rounds=1400$anotherlongsaltstring', long, '$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1'],
  ])('sha256, salt %j', (salt, password, hash) => {
    expect(shaCrypt('sha256', password, salt)).toBe(hash);
  });
});

describe('derivedSalt', () => {
  it('depends on every seed and on their borders', () => {
    expect(derivedSalt('image', 'user')).toBe(derivedSalt('image', 'user'));
    expect(
      new Set([derivedSalt('image', 'user'), derivedSalt('image', 'root'), derivedSalt('other', 'user'), derivedSalt('imageuser')]).size,
    ).toBe(4);
  });

  it('is always a salt of 16 letters, and its hash is recognised', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        expect(derivedSalt(seed)).toMatch(/^[./0-9A-Za-z]{16}$/);
      }),
    );
    expect(isCryptHash(shaCrypt('sha512', 'x', derivedSalt('a')))).toBe(true);
    expect(isCryptHash(shaCrypt('sha256', 'x', derivedSalt('a')))).toBe(true);
  });
});

it.each([
  ['$6$saltstring$svn8UoSVapNtMuq1', true],
  ['$6$rounds=5000$salt$svn8UoSV', true],
  ['$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7', true],
  ['$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', true],
  ['$ecret', false],
  ['$6$salt', false],
  ['$6$salt$hash:0', false],
  ['$6$salt$hash\n', false],
  ['password', false],
  ['', false],
])('isCryptHash(%j) is %s', (text, expected) => {
  expect(isCryptHash(text)).toBe(expected);
});
