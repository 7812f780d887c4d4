import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { Context, DistributionDefinition, Snapshot } from '@ict/plugin-api';
import { expect, it } from 'vitest';
import { resolveServed } from './checked-resolution.js';
import { FakeContext } from './fake-context.js';

/** Pinned, with two indexes that no cache has, asked for by content. */
function pinned(id: string): Snapshot {
  const repository = { id, archive: `http://archive.test/${id}`, suite: 'stable', components: ['main', 'extra'], keyrings: [] };
  const indexes = repository.components.map((component) => {
    const path = `dists/stable/${component}/binary-amd64/Packages.xz`;
    const digest = digestOf(`${id} ${component}`);
    return { path, byHash: `by-hash/${component}`, digest, sizeBytes: 1, component };
  });
  return { repository, root: { path: 'InRelease', digest: digestOf(id), sizeBytes: 1, dateSeconds: 0 }, signers: [], indexes };
}

it('offline, the indexes of all components and repositories that are absent are told of together', async () => {
  await using ctx = new FakeContext();
  const fetch: Context['fetch']['fetch'] = async ({ url }) => {
    throw new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${url} is needed`, facts: { url } });
  };
  const request = {
    arch: 'x86_64' as const,
    distribution: {} as DistributionDefinition,
    snapshots: ['one', 'two'].map(pinned),
    seeds: [{ request: 'a', reason: 'template' }],
    essential: false,
    recommends: false,
  };
  Object.assign(ctx.fetch, { fetch });
  await expect(resolveServed(request, ctx)).rejects.toMatchObject({
    code: 'ICT_FETCH_OFFLINE',
    facts: { urls: ['one', 'two'].flatMap((id) => ['main', 'extra'].map((part) => `http://archive.test/${id}/by-hash/${part}`)) },
    problems: ['one', 'two'].flatMap((id) =>
      ['main', 'extra'].map((part) => ({ message: `dists/stable/${part}/binary-amd64/Packages.xz of repository "${id}"` })),
    ),
  });
});
