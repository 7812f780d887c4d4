import { describe, expect, it } from 'vitest';
import { nameFilter, tellFiltered } from '../src/name-filter.js';

describe('a filter of names', () => {
  const names = ['bash', 'bash-doc', 'libc++', 'libcxx', 'dash'];
  it.each([
    ['nothing', {}, names],
    ['plain names', { allow: ['bash', 'libc++'] }, ['bash', 'libc++']],
    ['any characters', { allow: ['*sh'] }, ['bash', 'dash']],
    ['characters of expressions, which mean themselves', { allow: ['libc+*', 'd.sh'] }, ['libc++']],
    ['exclusions', { exclude: ['bash*'] }, ['libc++', 'libcxx', 'dash']],
    ['exclusions from what is allowed', { allow: ['*sh', 'bash-doc'], exclude: ['dash'] }, ['bash', 'bash-doc']],
  ])('of %s', (_what, filter, expected) => {
    expect(names.filter(nameFilter(filter))).toEqual(expected);
  });
});

it.each([
  ['bash', {}, undefined],
  ['bash', { exclude: ['bash'] }, '"excludePackages" of repository "main" names it'],
  ['bash-doc', { allow: ['*'], exclude: ['dash', 'bash*'] }, '"excludePackages" of repository "main" names it as "bash*"'],
  ['dash', { allow: ['bash*'] }, '"allowPackages" of repository "main" does not name it'],
  ['bash', { allow: ['bash*'] }, undefined],
])('says why %s does not pass %j', (name, filter, expected) => {
  expect(tellFiltered(name, filter, 'main')).toBe(expected);
});
