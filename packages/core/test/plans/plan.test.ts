import { describe, expect, it } from 'vitest';
import type { ResolvedPackage } from '@ict/plugin-api';
import { pinnedRepositories, type Lock } from '../../src/locks/lock.js';
import { planContent, planOf } from '../../src/plans/plan.js';
import { digestOfAll, repository, resolvedPackage, snapshotOf } from '../support/sample-image.js';

const bash = resolvedPackage('bash', { digest: digestOfAll('1'), sizeBytes: 100 });
const tar = resolvedPackage('tar', { digest: digestOfAll('2'), sizeBytes: 20, requestedBy: ['bash:amd64'] });
const dosfstools = resolvedPackage('dosfstools', { digest: digestOfAll('3'), sizeBytes: 3, requestedBy: ['tools'] });

function lock(packages: readonly ResolvedPackage[], tools: readonly ResolvedPackage[] = []): Lock {
  const repositories = pinnedRepositories([snapshotOf(repository('main'))]);
  return { lockVersion: 1, target: 'debian-debian13-x86_64', request: digestOfAll('f'), repositories, plugins: {}, packages, tools };
}

/** A package cache that has these names, and says which it was asked for. */
function shelf(...cached: readonly string[]) {
  const asked: string[] = [];
  const lookup = async ({ name }: ResolvedPackage) => {
    asked.push(name);
    if (name === 'damaged') return { state: 'invalid', reason: 'other bytes' } as const;
    return cached.includes(name) ? ({ state: 'hit', file: `/cache/${name}`, check: 'signature' } as const) : ({ state: 'miss' } as const);
  };
  return { asked, lookup };
}

const { signal } = new AbortController();

describe('planContent', () => {
  it('counts bytes to fetch of packages and tools that the cache lacks', async () => {
    const { packages, fetchBytes, files } = await planContent(lock([bash, tar], [dosfstools]), shelf('bash'), signal);
    expect(packages.map(({ name, part, cached }) => [name, part, cached])).toEqual([
      ['bash', 'image', true],
      ['tar', 'image', false],
      ['dosfstools', 'tools', false],
    ]);
    expect(fetchBytes).toBe(23);
    expect([...files]).toEqual(
      expect.arrayContaining([
        [bash.digest, '/cache/bash'],
        [tar.digest, ''],
        [dosfstools.digest, ''],
      ]),
    );
  });

  it('fetches nothing when everything is there', async () => {
    expect((await planContent(lock([bash], [dosfstools]), shelf('bash', 'dosfstools'), signal)).fetchBytes).toBe(0);
  });

  it('looks up and counts a package of both image and tools once', async () => {
    const cache = shelf();
    const { packages, fetchBytes } = await planContent(lock([bash, tar], [{ ...tar, requestedBy: ['tools'] }]), cache, signal);
    expect(cache.asked.toSorted()).toEqual(['bash', 'tar']);
    expect(packages.map(({ name, part, requestedBy }) => [name, part, requestedBy])).toEqual([
      ['bash', 'image', ['template']],
      ['tar', 'image', ['bash:amd64']],
    ]);
    expect(fetchBytes).toBe(120);
  });

  it('fetches a damaged package anew', async () => {
    const damaged = resolvedPackage('damaged', { digest: digestOfAll('4'), sizeBytes: 7 });
    const { packages, fetchBytes } = await planContent(lock([damaged]), shelf(), signal);
    expect(packages[0]?.cached).toBe(false);
    expect(fetchBytes).toBe(7);
  });

  it('stops when it is cancelled', async () => {
    const cache = shelf();
    await expect(planContent(lock([bash]), cache, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(cache.asked).toEqual([]);
  });
});

describe('planOf', () => {
  it('tells repositories by the digest and date of their signed root, and what is to be fetched', async () => {
    const locked = lock([bash], [dosfstools]);
    const steps = [{ type: 'ict.base', key: 'k', hit: false, reason: 'never built here' }];
    const plan = planOf(locked, await planContent(locked, shelf('bash'), signal), steps);
    expect(plan).toMatchObject({
      schemaVersion: 1,
      target: 'debian-debian13-x86_64',
      repositories: [{ id: 'main', root: digestOfAll('1'), date: '2023-11-14T22:13:20.000Z', signers: ['ABCD'] }],
      steps,
      fetchBytes: 3,
    });
    expect(plan.packages.map(({ name }) => name)).toEqual(['bash', 'dosfstools']);
    expect(plan).not.toHaveProperty('files');
  });
});
