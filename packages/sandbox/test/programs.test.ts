import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findProgram, programPath } from '../src/programs.js';
import { ownRanges, subordinateRange, unownedRange } from '../src/subordinate-ids.js';

describe('programPath', () => {
  it.each([
    [undefined, '/usr/sbin:/usr/bin:/sbin:/bin'],
    ['', '/usr/sbin:/usr/bin:/sbin:/bin'],
    ['/opt/x:bin:./y::/bin', '/usr/sbin:/usr/bin:/sbin:/bin:/opt/x'],
  ])('%j', (path, expected) => {
    expect(programPath(path)).toBe(expected);
  });
});

it('finds programs that are there, and only those', async () => {
  expect(await findProgram('sh', '/nowhere:/bin')).toBe('/bin/sh');
  expect(await findProgram('no-such-program', programPath(undefined))).toBeUndefined();
});

describe('ownRanges', () => {
  it('takes a file that is not there as empty', async () => {
    const absent = '/no/such/subuid';
    expect(await ownRanges({ users: absent, groups: absent })).toEqual({ unowned: { first: 100_000, count: 65_536 } });
  });

  it('refuses to guess who owns what when a file cannot be read', async () => {
    await expect(ownRanges({ users: '/proc', groups: '/proc' })).rejects.toMatchObject({ code: 'ICT_SANDBOX_START' });
  });
});

describe('subordinateRange', () => {
  it.each([
    ['ann:100000:65536\n', { first: 100_000, count: 65_536 }],
    ['bob:100000:65536\nann:1:70000', { first: 1, count: 70_000 }],
    ['ann:1:1\nann:200000:65536', { first: 200_000, count: 65_536 }],
    ['1000:100000:65536', { first: 100_000, count: 65_536 }],
    ['ann:100000:1000', undefined],
    ['bob:100000:65536', undefined],
    ['ann:x:65536', undefined],
    ['ann:100000', undefined],
    ['', undefined],
  ])('%j gives %j', (text, expected) => {
    expect(subordinateRange(text, 'ann', 1000)).toEqual(expected);
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(subordinateRange(text.replaceAll(':', ''), 'ann', 1)).toBeUndefined();
      }),
    );
  });
});

describe('unownedRange', () => {
  it.each([
    [[''], 100_000],
    [['ann:100000:65536\n'], 165_536],
    [['ann:100000:65536\n', 'bob:200000:65536\nann:1:5'], 265_536],
    [['ann:5:10'], 100_000],
    [['ann:x:65536', 'ann'], 100_000],
  ])('beside %j begins at %i', (texts, first) => {
    expect(unownedRange(...texts)).toEqual({ first, count: 65_536 });
  });

  it('never overlaps a range of anyone', () => {
    const range = fc.tuple(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 20 }));
    fc.assert(
      fc.property(fc.array(range), (owned) => {
        const { first, count } = unownedRange(owned.map(([start, size]) => `ann:${start}:${size}`).join('\n'));
        expect(owned.every(([start, size]) => start + size <= first || first + count <= start)).toBe(true);
      }),
    );
  });
});
