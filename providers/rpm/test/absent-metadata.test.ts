import { digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { Context, DistributionDefinition, Snapshot } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { expect, it } from 'vitest';
import { resolvePinned } from './checked-resolution.js';

/** Pinned, with metadata that no cache has but for what is given: the text of a file. */
async function pinned(ctx: Context, id: string, texts: Readonly<Record<string, string>> = {}): Promise<Snapshot> {
  const repository = { id, archive: `http://archive.test/${id}`, suite: '', components: [], keyrings: [] };
  const indexes = ['primary', 'filelists', 'group', 'modules', 'updateinfo', 'other'].map((component) => {
    const text = texts[component] ?? `${id} ${component}`;
    return { path: `repodata/${component}`, digest: digestOf(text), sizeBytes: text.length, component };
  });
  for (const text of Object.values(texts)) await ctx.blobs.putBytes(Buffer.from(text));
  return { repository, root: { path: 'repodata/repomd.xml', digest: digestOf(id), sizeBytes: 1, dateSeconds: 0 }, signers: [], indexes };
}

async function missing(texts: Readonly<Record<string, string>>, ...requests: readonly string[]): Promise<readonly string[]> {
  await using ctx = fakeContext();
  const fetch: Context['fetch']['fetch'] = async ({ url }) => {
    throw new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${url} is needed`, facts: { url } });
  };
  const snapshots = [await pinned(ctx, 'one', texts), await pinned(ctx, 'two', texts)];
  const asked = {
    arch: 'x86_64' as const,
    distribution: {} as DistributionDefinition,
    snapshots,
    seeds: requests.map((request) => ({ request, reason: 'template' })),
    essential: false,
    recommends: false,
  };
  const refused: unknown = await resolvePinned(asked, { ...ctx, fetch: { fetch } }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'ICT_FETCH_OFFLINE', kind: 'offline' });
  return (refused as IctError).problems.map(({ message }) => message);
}

it('offline, all metadata that a resolution reads and lacks is told of together', async () => {
  const of = (type: string) => ['one', 'two'].map((id) => `repodata/${type} of repository "${id}"`);
  expect(await missing({}, 'a')).toEqual([...of('modules'), ...of('primary')]);
  expect(await missing({}, '@a')).toEqual([...of('modules'), ...of('primary'), ...of('group')]);
});

it('offline, the lists of files are told of together once something needs them', async () => {
  const texts = { primary: '<metadata></metadata>', modules: '---\n' };
  expect(await missing(texts, '/a/path')).toEqual(['one', 'two'].map((id) => `repodata/filelists of repository "${id}"`));
});
