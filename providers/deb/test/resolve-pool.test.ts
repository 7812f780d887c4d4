import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexStore } from '../src/metadata/index-store.js';
import { parseRelations } from '../src/relations/relation.js';
import { satisfiesVersion } from '../src/relations/version.js';
import { Pool } from '../src/resolve/resolve-pool.js';
import { resolveChecked } from './checked-resolution.js';
import { toRepositories } from './resolve-case-file.js';
import type { CasePackage } from './resolve-case-file.js';

const poolOf = (...repositories: readonly (readonly CasePackage[])[]): Pool =>
  new Pool(toRepositories(repositories.map((packages, at) => ({ id: `r${at}`, packages }))), 'amd64');

describe('a relation with a version', () => {
  const part = fc.stringMatching(/^[0-9a-zA-Z.+~]{1,6}$/);
  const version = fc.oneof(
    fc
      .tuple(fc.option(fc.nat({ max: 12 })), part, fc.option(part))
      .map(([epoch, upstream, revision]) => `${epoch === null ? '' : `${epoch}:`}${upstream}${revision === null ? '' : `-${revision}`}`),
    fc.constantFrom(
      '1',
      '1-0',
      '1-',
      '0:1',
      ':1',
      '1:',
      '01',
      '1.0',
      '1.00',
      '1~',
      '1~~',
      '1-1-1',
      '1:1-1:1',
      '99999999999999999999',
      '1+b',
      '1a',
    ),
  );
  const operator = fc.constantFrom('<<', '<=', '=', '>=', '>>');

  it('is satisfied, and excludes, as versions compare', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(version, operator, version), { minLength: 1, maxLength: 20 }), (cases) => {
        const packages = cases.flatMap(([has, operator, wanted], at) => [
          { name: `a${at}`, version: has },
          { name: `b${at}`, version: '1', fields: [`Provides: v${at} (= ${has})`] },
          {
            name: `c${at}`,
            version: '1',
            fields: [`Depends: a${at} (${operator} ${wanted})`, `Conflicts: v${at} (${operator} ${wanted})`],
          },
        ]);
        const pool = poolOf(packages);
        cases.forEach(([has, operator, wanted], at) => {
          const [a, b, c] = [3 * at + 1, 3 * at + 2, 3 * at + 3];
          const fits = satisfiesVersion(has, operator as '=', wanted);
          const [group] = pool.groups(c, 'Depends')!;
          expect([has, operator, wanted, pool.targets(group!)]).toEqual([has, operator, wanted, fits ? [a] : []]);
          const words = pool.clauseNumbers(c, false);
          expect([...words]).toEqual([0, fits ? 1 : 0, ...(fits ? [a] : []), ...(fits ? [3, 1, b] : [])]);
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('indexes that have stores of their own', () => {
  const needing = { name: 'needing', version: '1', fields: ['Depends: needed (>= 2), offered'] };

  it('share one in a pool, whatever was asked of them before', () => {
    const repositories = toRepositories([
      { id: 'first', packages: [needing, { name: 'needed', version: '1' }] },
      {
        id: 'second',
        packages: [
          { name: 'needed', version: '2' },
          { name: 'other', version: '1', fields: ['Provides: offered'] },
        ],
      },
    ]);
    expect(new Set(repositories.map(({ index }) => index.store)).size).toBe(2);
    expect(repositories.map(({ index }) => index.relations(0, 'Depends').length)).toEqual([2, 0]);
    const pool = new Pool(repositories, 'amd64');
    expect(new Set(repositories.map(({ index }) => index.store)).size).toBe(1);
    expect(pool.groups(1, 'Depends')!.map((group) => pool.targets(group))).toEqual([[3], [4]]);
    expect(repositories[1]!.index.field(1, 'package')).toBe('other');
  });
});

it('gives a group that is written alike one number in all repositories', () => {
  const pool = poolOf(
    [{ name: 'a', version: '1', fields: ['Depends: x | y'] }],
    [{ name: 'b', version: '1', fields: ['Recommends: x | y'] }],
  );
  expect(pool.groups(1, 'Depends')).toEqual(pool.groups(2, 'Recommends'));
});

it.each([
  ['x', [1, 2, 3, 4]],
  ['x:any', [1, 2, 3, 4]],
  ['x:native', [1, 3]],
  ['x:i386', [2, 4]],
  ['x:arm64', []],
  ['x (>= 2)', [2, 4]],
])('excludes by "%s" packages of every architecture, unless one is named', (conflicts, excluded) => {
  const packages = [
    { name: 'x', version: '1' },
    { name: 'x', version: '2', arch: 'i386' },
    { name: 'y', version: '1', fields: ['Provides: x:i386 (= 1)'] },
    { name: 'y', version: '1', arch: 'i386', fields: ['Provides: x (= 2)'] },
    { name: 'z', version: '1', fields: [`Conflicts: ${conflicts}`] },
  ];
  const pool = new Pool(toRepositories([{ id: 'main', packages }]), 'amd64', [], ['i386']);
  expect([...pool.clauseNumbers(5, false)]).toEqual(excluded.length === 0 ? [] : [3, excluded.length, ...excluded]);
});

it('tells how members need each other', () => {
  const pool = poolOf([
    { name: 'a', version: '1', fields: ['Depends: b | c, d', 'Recommends: c'] },
    { name: 'b', version: '1', fields: ['Pre-Depends: a', 'Depends: b | c'] },
    { name: 'c', version: '1' },
    { name: 'd', version: '1' },
  ]);
  const [depends, preDepends, recommends] = [1, 0, 4];
  const { relations, texts, ...pairs } = pool.relate([3, 2, 1], true);
  expect(texts).toEqual(['a', 'b | c', 'c']);
  expect([...relations]).toEqual([
    ...[1, 0, depends, 1],
    ...[1, 2, preDepends, 0],
    ...[2, 0, depends, 1],
    ...[2, 0, recommends, 2],
    ...[2, 1, depends, 1],
  ]);
  expect(Object.entries(pairs).map(([name, column]) => [name, [...column]])).toEqual([
    ['needing', [1, 1, 2, 2]],
    ['needed', [0, 2, 0, 1]],
    ['asking', [1, 1, 2, 2]],
    ['asked', [0, 2, 0, 1]],
  ]);
});

it('tells apart what members need from what they recommend', () => {
  const pool = poolOf([
    { name: 'a', version: '1', fields: ['Depends: a | b', 'Recommends: b, c'] },
    { name: 'b', version: '1' },
    { name: 'c', version: '1' },
  ]);
  const { needed, asked } = pool.relate([1, 2, 3], true);
  expect([[...needed], [...asked]]).toEqual([[1], [1, 2]]);
  expect([...pool.relate([1, 2, 3], false).asked]).toEqual([1]);
});

it('needs no more memory for few packages than there is at first', () => {
  const sizeOf = ({ module }: IndexStore): number => module.memory.buffer.byteLength;
  const pool = poolOf(...['a', 'b', 'c'].map((name) => [{ name, version: '1', fields: ['Depends: a'] }]));
  expect(pool.relate([1, 2, 3], false).texts).toEqual(['a']);
  expect(sizeOf(pool.store)).toBe(sizeOf(new IndexStore()));
});

it('ranks providers, and tells what they provide', () => {
  const pool = poolOf([
    { name: 'plain', version: '1', fields: ['Provides: mta (= 3), mta'] },
    { name: 'vital', version: '1', fields: ['Essential: yes', 'Provides: mta'] },
    { name: 'broken', version: '1', fields: ['Provides: mta (= 1 2)'] },
    { name: 'ranged', version: '1', fields: ['Provides: mta (>= 1)'] },
  ]);
  expect(pool.providers('mta').map(({ solvable, provisions }) => [solvable, provisions.map(({ version }) => version)])).toEqual([
    [2, [undefined]],
    [1, ['3', undefined]],
  ]);
  const [versioned] = parseRelations('mta (>= 3)')[0]!;
  expect(pool.satisfying(versioned!)).toEqual([1]);
  expect([...pool.unreadable.keys()]).toEqual([3]);
});

it.each(['mta (=3)', 'mta(= 3)', 'mta ( = 3 )', 'mta  (= 3)', 'mta (= 3) [amd64]', 'mta:amd64 (=3)'])(
  'knows what is provided by "%s"',
  (text) => {
    const pool = poolOf([
      { name: 'a', version: '1', fields: [`Provides: other, ${text}, other (>1)`] },
      { name: 'b', version: '1', fields: ['Depends: mta, mta (>= 3), mta (>> 3)', 'Conflicts: mta (<= 3)'] },
    ]);
    expect([...pool.clauseNumbers(2, false)]).toEqual([0, 1, 1, 0, 1, 1, 0, 0, 3, 1, 1]);
    expect(pool.providers('mta').map(({ solvable, provisions }) => [solvable, provisions.map(({ version }) => version)])).toEqual([
      [1, ['3']],
    ]);
    expect(pool.provisions(1, 'other').map(({ version }) => version)).toEqual([undefined]);
  },
);

it('takes no package whose needs cannot be read, whatever else of it cannot', () => {
  const packages = [{ name: 'a', version: '1', fields: ['Depends: b (= 1 2)', 'Recommends: c (= 1 2)'] }];
  const request = { repositories: toRepositories([{ id: 'main', packages }]), arch: 'amd64', recommends: true };
  const resolution = resolveChecked({ ...request, seeds: [{ request: 'a', reason: 'template' }] });
  expect(resolution).toMatchObject({
    kind: 'unsolvable',
    problems: [{ code: 'ICT_DEB_UNSATISFIABLE', message: expect.stringContaining('its Depends is not valid') }],
  });
});
