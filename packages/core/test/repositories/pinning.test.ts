import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { IctError, type PackageRecord, type RepositorySpec, type Snapshot } from '@ict/plugin-api';
import { fakeContext, memoryArchive } from '@ict/plugin-testkit';
import { pinRepositories } from '../../src/repositories/pinning.js';
import { digestOfAll, repository, sampleProvider, snapshotOf } from '../support/sample-image.js';

/** A keyring of a shipped definition. */
const KEYRING = fileURLToPath(new URL('../../../../providers/deb/keyrings/debian-archive-keyring.pgp', import.meta.url));

const repositories = ['main', 'updates', 'security'].map(repository);

function source(pin: (id: string) => Snapshot, lacksIndexes: readonly string[] = []) {
  const asked: string[] = [];
  const read: string[] = [];
  const provider = sampleProvider({
    metadata: {
      snapshot: async (spec, arch, _ctx, list) => {
        asked.push([spec.id, arch, ...(list?.urls ?? [])].join(' '));
        return pin(spec.id);
      },
      packages: async function* ({ repository: { id } }) {
        read.push(id);
        if (lacksIndexes.includes(id)) throw absent(`index of ${id}`);
        yield { name: 'first' } as PackageRecord;
        throw new Error('pinning reads no more than it must');
      },
    },
  });
  return { asked, read, provider };
}

const absent = (id: string): IctError =>
  new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${id} is needed`, hint: 'Fetch it.', facts: { url: id } });

const routes = () => {
  const chosen: string[] = [];
  const chooseMirror = <T>(archive: string, attempt: () => Promise<T>): Promise<T> => {
    chosen.push(archive);
    return attempt();
  };
  const list = async ({ id }: RepositorySpec) => (id === 'updates' ? { urls: ['http://near.example/updates'] } : undefined);
  return { chosen, mirrors: { chooseMirror, list } };
};

it('pins all repositories side by side, each through the mirror of its archive, and says so in their order', async () => {
  await using ctx = fakeContext();
  const { asked, read, provider } = source((id) =>
    snapshotOf(repository(id), digestOfAll(String(repositories.findIndex((one) => one.id === id)))),
  );
  const { chosen, mirrors } = routes();
  const snapshots = await pinRepositories(repositories, 'x86_64', provider, mirrors, ctx);
  expect(snapshots.map((snapshot) => snapshot.repository.id)).toEqual(['main', 'updates', 'security']);
  expect(asked).toEqual(['main x86_64', 'updates x86_64 http://near.example/updates', 'security x86_64']);
  expect(chosen).toEqual(repositories.map(({ archive }) => archive));
  expect(read).toEqual([]);
  expect(ctx.events).toEqual([
    { type: 'repository.pinned', repository: 'main', root: digestOfAll('0'), signers: ['ABCD'] },
    { type: 'repository.pinned', repository: 'updates', root: digestOfAll('1'), signers: ['ABCD'] },
    { type: 'repository.pinned', repository: 'security', root: digestOfAll('2'), signers: ['ABCD'] },
  ]);
});

it('fails with the first repository in order that cannot be read, when no other is being read any more', async () => {
  await using ctx = fakeContext();
  const { asked, provider } = source((id) => {
    if (id !== 'main') throw new Error(`${id} is not signed`);
    return snapshotOf(repository(id));
  });
  await expect(pinRepositories(repositories, 'x86_64', provider, routes().mirrors, ctx)).rejects.toThrow('updates is not signed');
  expect(asked).toHaveLength(3);
  expect(ctx.events).toEqual([]);
});

it('says of a repository in a directory that is not there that it is not there', async () => {
  await using ctx = fakeContext();
  const { provider } = source((id) => {
    throw new IctError('ICT_SAMPLE_MISSING', 'network', { message: `no root in ${id}`, hint: 'Check the suite.' });
  });
  const at = (path: string): readonly RepositorySpec[] => [{ ...repository('own'), archive: `file://${path}` }];
  const pin = (path: string) => pinRepositories(at(path), 'x86_64', provider, routes().mirrors, ctx);
  const none = `${import.meta.dirname}/a b`;
  await expect(pin(none.replace(' ', '%20'))).rejects.toMatchObject({
    ...{ code: 'ICT_SAMPLE_MISSING', message: `repository "own" is to lie in ${none}, and there is nothing` },
    hint: expect.stringContaining('Check its path') as unknown,
    facts: { repository: 'own', absent: true, directory: none },
  });
  await expect(pin(import.meta.filename)).rejects.toMatchObject({
    message: expect.stringContaining('there is no directory, but a file') as unknown,
  });
  // Of these the provider says more: a directory that is there, one of another host, one whose name cannot be.
  for (const path of [import.meta.dirname, 'host/directory', '/a%2Fb'])
    await expect(pin(path)).rejects.toMatchObject({ message: 'no root in own', hint: 'Check the suite.' });
});

it('says of key files without a key that they are none, where a repository is not trusted', async () => {
  await using ctx = fakeContext();
  const text = import.meta.filename;
  const keyring = KEYRING;
  const { provider } = source(() => {
    throw new IctError('ICT_SAMPLE_UNTRUSTED', 'integrity', { message: 'no such key', hint: 'Check the key.' });
  });
  const pin = (keyrings: readonly string[]) =>
    pinRepositories([{ ...repository('own'), keyrings }], 'x86_64', provider, routes().mirrors, ctx);
  await expect(pin([text])).rejects.toMatchObject({
    ...{ code: 'ICT_SAMPLE_UNTRUSTED', message: `${text} holds no OpenPGP public key: no such key` },
    hint: expect.stringContaining('gpg --armor --export') as unknown,
    facts: { repository: 'own', keyrings: [text], keyless: [text] },
  });
  await expect(pin([text, keyring])).rejects.toMatchObject({ facts: { keyless: [text] }, hint: 'Check the key.' });
  await expect(pin([keyring])).rejects.toMatchObject({ message: 'no such key', hint: 'Check the key.' });
  await expect(pin([`${text}.none`])).rejects.toMatchObject({ message: 'no such key' });
});

it('names offline what each repository lacks, unless something else is wrong', async () => {
  await using ctx = fakeContext();
  const lacking = source((id) => {
    if (id !== 'main') throw absent(id);
    return snapshotOf(repository(id));
  });
  await expect(pinRepositories(repositories, 'x86_64', lacking.provider, routes().mirrors, ctx)).rejects.toMatchObject({
    code: 'ICT_FETCH_OFFLINE',
    kind: 'offline',
    hint: 'Fetch it.',
    facts: { urls: ['updates', 'security'] },
    problems: [{ message: 'updates' }, { message: 'security' }],
  });
  const listed = {
    ...routes().mirrors,
    list: ({ id }: RepositorySpec) => (id === 'main' ? Promise.reject(absent('list')) : Promise.resolve(undefined)),
  };
  await expect(pinRepositories(repositories, 'x86_64', lacking.provider, listed, ctx)).rejects.toMatchObject({
    facts: { urls: ['list', 'updates', 'security'] },
  });
  const wrong = source((id) => {
    throw id === 'security' ? new Error('security is not signed') : absent(id);
  });
  await expect(pinRepositories(repositories, 'x86_64', wrong.provider, routes().mirrors, ctx)).rejects.toThrow('security is not signed');
});

it('names offline the indexes, too, that repositories lack whose root is there', async () => {
  await using ctx = fakeContext();
  const pin = (id: string): Snapshot => {
    if (id === 'updates') throw absent(id);
    return snapshotOf(repository(id));
  };
  const { read, provider } = source(pin, ['security']);
  await expect(pinRepositories(repositories, 'x86_64', provider, routes().mirrors, ctx)).rejects.toMatchObject({
    facts: { urls: ['updates', 'index of security'] },
  });
  expect(read).toEqual(['main', 'security']);
});

it('reads every list of mirrors before a repository is read: a list changes where an archive leads', async () => {
  await using ctx = fakeContext();
  const { asked, provider } = source((id) => snapshotOf(repository(id)));
  const list = async ({ id }: RepositorySpec) => {
    await new Promise(setImmediate);
    asked.push(`list of ${id}`);
    return undefined;
  };
  await pinRepositories(repositories, 'x86_64', provider, { ...routes().mirrors, list }, ctx);
  expect(asked.slice(0, 3)).toEqual(['list of main', 'list of updates', 'list of security']);
});

it('gets a key from its address before a mirror is tried, and one in the archive from the mirror on trial', async () => {
  const [main, updates] = repositories as [RepositorySpec, RepositorySpec, RepositorySpec];
  const fingerprints = ['ABCD'.repeat(10)];
  const elsewhere = { ...main, keyrings: ['https://keys.example/own.asc'], fingerprints };
  const below = { ...updates, keyrings: [`${updates.archive}/own.asc`], fingerprints };
  for (const [one, tried] of [
    [elsewhere, []],
    [below, [updates.archive]],
  ] as const) {
    await using ctx = fakeContext({ archives: [memoryArchive({ [one.keyrings[0]!]: 'another key' })] });
    const { asked, provider } = source((id) => snapshotOf(repository(id)));
    const { chosen, mirrors } = routes();
    await expect(pinRepositories([one], 'x86_64', provider, mirrors, ctx)).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_FINGERPRINT',
      facts: { repository: one.id },
    });
    expect([asked, chosen]).toEqual([[], tried]);
  }
});
