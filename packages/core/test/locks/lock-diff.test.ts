import { describe, expect, it } from 'vitest';
import type { PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { compareLocks } from '../../src/locks/lock-diff.js';
import type { Lock } from '../../src/locks/lock.js';
import { digestOfAll, resolvedPackage } from '../support/sample-image.js';

function repository(id: string, root = '1', dateSeconds = 0): PinnedRepository {
  const signed = { path: 'InRelease', digest: digestOfAll(root), sizeBytes: 1, dateSeconds };
  return { id, archive: 'http://archive', suite: 'one', components: ['main'], root: signed, signers: [] };
}

function lock(packages: readonly ResolvedPackage[], tools: readonly ResolvedPackage[] = [], repositories = [repository('main')]): Lock {
  return { lockVersion: 1, target: 'a-b-x86_64', request: digestOfAll('0'), repositories, plugins: {}, packages, tools };
}

const short = (before: Lock | undefined, after: Lock) =>
  compareLocks(before, after).packages.map(({ id, part, before: old, after: now }) => `${part} ${id} ${old?.version} ${now?.version}`);

describe('compareLocks', () => {
  it('finds nothing between equal locks', () => {
    const same = lock([resolvedPackage('a')], [resolvedPackage('b')]);
    expect(compareLocks(same, structuredClone(same))).toEqual({ repositories: [], packages: [] });
  });

  it('finds new, gone and moved packages, image before tools, by id', () => {
    const before = lock([resolvedPackage('b'), resolvedPackage('a')], [resolvedPackage('t')]);
    const after = lock([resolvedPackage('c'), resolvedPackage('b', { version: '2' })], []);
    expect(short(before, after)).toEqual([
      'image a:amd64 1 undefined',
      'image b:amd64 1 2',
      'image c:amd64 undefined 1',
      'tools t:amd64 1 undefined',
    ]);
  });

  it.each<[string, Partial<ResolvedPackage>, number]>([
    ['content', { digest: digestOfAll('b') }, 1],
    ['repository', { repository: 'updates' }, 1],
    ['reasons only', { requestedBy: ['kernel'], requires: ['b:amd64'] }, 0],
  ])('another %s', (_what, parts, count) => {
    expect(compareLocks(lock([resolvedPackage('a')]), lock([resolvedPackage('a', parts)])).packages).toHaveLength(count);
  });

  it('tells the image from the tools', () => {
    expect(short(lock([resolvedPackage('a')]), lock([], [resolvedPackage('a')]))).toEqual([
      'image a:amd64 1 undefined',
      'tools a:amd64 undefined 1',
    ]);
  });

  it('tells versions side by side apart by what they are, whichever has the id without one', () => {
    const kernel = (version: string, id = `kernel:amd64=${version}`) => ({ ...resolvedPackage('kernel', { version }), id });
    const two = lock([kernel('2', 'kernel:amd64'), kernel('1')]);
    expect(short(lock([kernel('1', 'kernel:amd64')]), two)).toEqual(['image kernel:amd64 undefined 2']);
    expect(short(two, lock([kernel('3', 'kernel:amd64'), kernel('2')]))).toEqual([
      'image kernel:amd64 undefined 3',
      'image kernel:amd64=1 1 undefined',
    ]);
    expect(short(two, lock([kernel('3', 'kernel:amd64'), kernel('1')]))).toEqual(['image kernel:amd64 2 3']);
  });

  it('counts everything as new without a lock', () => {
    const after = lock([resolvedPackage('a')]);
    expect(compareLocks(undefined, after)).toEqual({
      repositories: [{ id: 'main', after: { root: digestOfAll('1'), date: '1970-01-01T00:00:00.000Z' } }],
      packages: [{ id: 'a:amd64', part: 'image', after: { version: '1', sizeBytes: 10, repository: 'main', digest: digestOfAll('a') } }],
    });
  });

  it('finds repositories whose signed root is another', () => {
    const before = lock([], [], [repository('main'), repository('old')]);
    const after = lock([], [], [repository('main', '2', 60), repository('new')]);
    expect(compareLocks(before, after).repositories).toMatchObject([
      { id: 'main', before: { root: digestOfAll('1') }, after: { root: digestOfAll('2'), date: '1970-01-01T00:01:00.000Z' } },
      { id: 'new', after: { root: digestOfAll('1') } },
      { id: 'old', before: { root: digestOfAll('1') } },
    ]);
    expect(compareLocks(before, after).repositories[1]).not.toHaveProperty('before');
  });
});
