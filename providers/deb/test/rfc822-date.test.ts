import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRfc822Date } from '../src/metadata/rfc822-date.js';

describe('parseRfc822Date', () => {
  it.each([
    ['Sat, 11 Jul 2026 10:16:37 UTC', '2026-07-11T10:16:37Z'],
    ['Thu, 01 Jan 1970 00:00:00 UTC', '1970-01-01T00:00:00Z'],
    ['Thu,  1 Jan 1970 00:00:00 GMT', '1970-01-01T00:00:00Z'],
    ['29 Feb 2024 23:59:59 Z', '2024-02-29T23:59:59Z'],
    ['Tue, 5 Mar 2024 1:02:03 +0000', '2024-03-05T01:02:03Z'],
    ['Tue, 05 Mar 2024 01:02:03 +0230', '2024-03-04T22:32:03Z'],
    ['Tue, 05 Mar 2024 23:02:03 -0100', '2024-03-06T00:02:03Z'],
  ])('reads %s', (text, expected) => {
    expect(parseRfc822Date(text)).toBe(Date.parse(expected) / 1000);
  });

  it.each([
    '',
    'yesterday',
    '2026-07-11T10:16:37Z',
    'Sat, 11 Jul 2026 10:16:37',
    'Sat, 11 Jul 2026 10:16:37 CEST',
    'Fri, 30 Feb 2024 00:00:00 UTC',
    'Sat, 11 Foo 2026 10:16:37 UTC',
    'Sat, 11 Jul 2026 24:16:37 UTC',
    'Sat, 11 Jul 2026 10:60:37 UTC',
    'Sat, 11 Jul 26 10:16:37 UTC',
  ])('does not guess about %j', (text) => {
    expect(parseRfc822Date(text)).toBeUndefined();
  });

  it('reads every second that JavaScript writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
        expect(parseRfc822Date(new Date(seconds * 1000).toUTCString())).toBe(seconds);
      }),
    );
  });
});
