import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IctError, type PackageRelation, type Resolver } from '@ict/plugin-api';
import { fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { pinnedRepositories, type Lock } from '../../src/locks/lock.js';
import { relationsBehind } from '../../src/locks/relation-recovery.js';
import { packageRequest } from '../../src/locks/request.js';
import {
  digestOfAll,
  distribution,
  resolvedPackage,
  sampleFormat,
  sampleProvider,
  sampleSpec,
  snapshotOf,
} from '../support/sample-image.js';

let ctx: FakeContext;
beforeEach(() => {
  ctx = fakeContext();
});
afterEach(() => ctx[Symbol.asyncDispose]());

const tar = resolvedPackage('tar', { requires: ['libc:amd64'] });
const libc = resolvedPackage('libc', { id: 'libc:amd64', requestedBy: [tar.id] });
const words: PackageRelation = { from: tar.id, to: libc.id, kind: 'requires', field: 'Depends', text: 'libc (>= 2)' };
const stated = { from: tar.id, to: libc.id, kind: 'requires' };

/** A lock of two packages, and the resolver's answers over the state that it pins. */
function behind(resolve: Resolver['resolve'], withIndexes = true) {
  const { repositories } = distribution;
  const index = { path: 'Packages', digest: digestOfAll('2'), sizeBytes: 1 };
  const pinned = pinnedRepositories(repositories.map((one) => ({ ...snapshotOf(one), indexes: [index] })));
  const spec = sampleSpec();
  const request = packageRequest(spec, distribution, sampleFormat());
  const lock: Lock = {
    lockVersion: 1,
    target: request.target,
    request: request.digest,
    repositories: withIndexes ? pinned : pinned.map(({ indexes: _indexes, ...rest }) => rest),
    plugins: {},
    packages: [tar, libc],
    tools: [],
  };
  const provider = sampleProvider({
    metadata: { snapshot: () => Promise.reject(new Error('pinned anew')), packages: () => expect.unreachable() },
    resolver: { version: 1, resolve },
  });
  const intake = { spec, distribution, provider: { part: provider, identity: { name: 'provider', version: '1' } } };
  const mirrors = { chooseMirror: () => Promise.reject(new Error('asked')), list: () => Promise.resolve(undefined) };
  return () => relationsBehind({ lock, request, file: '/x.lock.yml' }, intake, { context: ctx, mirrors });
}

describe('relationsBehind', () => {
  it('resolves over the pinned state with the locked versions in favour, once', async () => {
    const asked: unknown[] = [];
    const relations = behind(async ({ favour, snapshots, essential }) => {
      asked.push([favour?.map(({ name }) => name), snapshots.map(({ repository }) => repository.id), essential]);
      return { kind: 'resolved', closure: essential ? { packages: [tar, libc], relations: [words] } : { packages: [] }, warnings: [] };
    });
    expect(await relations()).toEqual([words, stated]);
    const both = [
      [['tar', 'libc'], distribution.repositories.map(({ id }) => id), true],
      [[], distribution.repositories.map(({ id }) => id), false],
    ];
    expect(asked).toEqual(both);
    expect(await relations()).toEqual([words, stated]);
    expect(asked).toEqual(both);
  });

  it('does not lend words of another version to what the lock has', async () => {
    const other = { ...tar, version: '99' };
    const relations = behind(async () => ({
      kind: 'resolved',
      closure: { packages: [other, libc], relations: [words] },
      warnings: [],
    }));
    expect(await relations()).toEqual([stated]);
  });

  it('has the lock\u2019s own word where the state is gone, and says so', async () => {
    const gone = new IctError('ICT_FETCH_NOT_FOUND', 'network', { message: 'no such index' });
    expect(await behind(() => Promise.reject(gone))()).toEqual([stated]);
    expect(ctx.events).toMatchObject([
      { type: 'warning', code: 'ICT_METADATA_GONE', message: expect.stringContaining('told without their own words') as string },
    ]);
  });

  it('asks nothing for a lock that does not say from what it was made, and hides no defect', async () => {
    expect(await behind(() => Promise.reject(new Error('asked')), false)()).toEqual([stated]);
    expect(ctx.events).toEqual([]);
    await expect(behind(() => Promise.reject(new TypeError('a defect')))()).rejects.toThrow('a defect');
  });
});
