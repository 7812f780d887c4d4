import { describe, expect, it } from 'vitest';
import { IctError, type ErrorKind, type PinnedRepository, type RepositorySpec } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { pinnedRepositories } from '../../src/locks/lock.js';
import { openPinned, readEach, readPinned } from '../../src/repositories/pinned-metadata.js';
import { digestOfAll, repository, sampleProvider, snapshotOf } from '../support/sample-image.js';

const repositories = [repository('main'), repository('updates')];
const index = { path: 'Packages.xz', digest: digestOfAll('2'), sizeBytes: 5 };
const stateOf = (spec: RepositorySpec) => ({ ...snapshotOf(spec), indexes: [index] });

async function open(locked: readonly PinnedRepository[] | undefined, file?: string) {
  await using context = fakeContext();
  const asked: string[] = [];
  const provider = sampleProvider({
    metadata: {
      snapshot: async (spec) => {
        asked.push(spec.id);
        return snapshotOf(spec, digestOfAll('9'));
      },
      packages: () => {
        throw new Error('nothing is read');
      },
    },
  });
  const mirrors = { chooseMirror: <T>(_archive: string, pin: () => Promise<T>) => pin(), list: () => Promise.resolve(undefined) };
  const pinned = await openPinned(repositories, locked, file, { arch: 'x86_64', provider }, { context, mirrors });
  return { pinned, asked, warnings: context.events.flatMap((event) => (event.type === 'warning' ? [event.code] : [])) };
}

describe('openPinned', () => {
  it('takes the state from the lock and asks nobody', async () => {
    const states = repositories.map(stateOf);
    const { pinned, asked, warnings } = await open(pinnedRepositories(states), '/x.lock.yml');
    expect(pinned).toMatchObject({ snapshots: states, file: '/x.lock.yml' });
    expect([asked, warnings]).toEqual([[], []]);
  });

  it('takes keys and priorities from the template, not from the lock', async () => {
    const keyed = { ...repositories[0], keyrings: ['/other.gpg'], priority: 700 };
    const { pinned } = await open(pinnedRepositories([stateOf(keyed), stateOf(repositories[1])]), '/x.lock.yml');
    expect(pinned.snapshots[0].repository).toEqual(repositories[0]);
  });

  it('pins the repositories as they are now without a lock', async () => {
    const { pinned, asked, warnings } = await open(undefined);
    expect(pinned.file).toBeUndefined();
    expect(pinned.snapshots.map(({ root }) => root.digest)).toEqual([digestOfAll('9'), digestOfAll('9')]);
    expect([asked, warnings]).toEqual([['main', 'updates'], []]);
  });

  it('does the same with a warning for a lock that names no indexes', async () => {
    const [first, second] = pinnedRepositories(repositories.map(stateOf));
    const { id, archive, suite, components, root, signers } = second;
    const { pinned, asked, warnings } = await open([first, { id, archive, suite, components, root, signers }], '/x.lock.yml');
    expect(pinned.file).toBeUndefined();
    expect([asked, warnings]).toEqual([['main', 'updates'], ['ICT_LOCK_WITHOUT_INDEXES']]);
  });
});

describe('readPinned', () => {
  const failing = async (kind: ErrorKind, file?: string) => {
    await using context = fakeContext();
    return await readPinned({ snapshots: [], context, ...(file === undefined ? {} : { file }) }, () =>
      Promise.reject(new IctError('ICT_SAMPLE_FAILED', kind, { message: 'not there' })),
    );
  };

  it('hands over the snapshots', async () => {
    const snapshots = repositories.map(stateOf);
    await using context = fakeContext();
    expect(await readPinned({ snapshots, context }, async (...given) => given)).toEqual([snapshots, context]);
  });

  it.each<ErrorKind>(['network', 'integrity'])('says of a failure of kind %s that the state of the lock is gone', async (kind) => {
    await expect(failing(kind, '/x.lock.yml')).rejects.toMatchObject({
      code: 'ICT_METADATA_GONE',
      facts: { file: '/x.lock.yml' },
      cause: { code: 'ICT_SAMPLE_FAILED' },
    });
  });

  it.each<[ErrorKind, string | undefined]>([
    ['network', undefined],
    ['offline', '/x.lock.yml'],
    ['invalid', '/x.lock.yml'],
  ])('leaves a failure of kind %s, lock %s, as it is', async (kind, file) => {
    await expect(failing(kind, file)).rejects.toMatchObject({ code: 'ICT_SAMPLE_FAILED' });
  });
});

describe('readEach', () => {
  const absence = ({ repository: { id } }: { readonly repository: RepositorySpec }): IctError =>
    new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${id} is needed`, facts: { url: id } });

  it('goes on where the indexes of a repository are absent offline, and tells of all', async () => {
    const read = readEach(repositories.map(stateOf), (snapshot) => Promise.reject(absence(snapshot)));
    await expect(read).rejects.toMatchObject({ code: 'ICT_FETCH_OFFLINE', facts: { urls: ['main', 'updates'] } });
  });

  it('stops at any other failure', async () => {
    const asked: string[] = [];
    const read = readEach(repositories.map(stateOf), async ({ repository: { id } }) => {
      asked.push(id);
      throw new Error('it is damaged');
    });
    await expect(read).rejects.toThrow('it is damaged');
    expect(asked).toEqual(['main']);
  });
});
