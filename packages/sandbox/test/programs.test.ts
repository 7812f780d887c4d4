import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findProgram, programPath } from '../src/programs.js';
import { hasSubordinateIds } from '../src/subordinate-ids.js';

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

describe('hasSubordinateIds', () => {
  it.each([
    ['ann:100000:65536\n', true],
    ['bob:100000:65536\nann:1:70000', true],
    ['1000:100000:65536', true],
    ['ann:100000:1000', false],
    ['bob:100000:65536', false],
    ['ann:x:65536', false],
    ['ann:100000', false],
    ['', false],
  ])('%j is %s', (text, expected) => {
    expect(hasSubordinateIds(text, 'ann', 1000)).toBe(expected);
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(hasSubordinateIds(text.replaceAll(':', ''), 'ann', 1)).toBe(false);
      }),
    );
  });
});
