import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeContext, memoryArchive } from '@ict/plugin-testkit';
import { openMirrors, reachingMirrors, unusedMirrors } from '../../src/repositories/repository-mirrors.js';
import { repository, sampleProvider } from '../support/sample-image.js';

const main = repository('main');
const list = { urls: ['http://near.example/main'] };

function open(named = false) {
  const offered: unknown[] = [];
  const read = vi.fn(async () => list);
  const metadata = { snapshot: vi.fn(), packages: vi.fn() };
  const routes = {
    chooseMirror: <T>(_archive: string, pin: () => Promise<T>) => pin(),
    takesMirrors: () => !named,
    offerMirrors: (archive: string, urls: readonly string[]) => void offered.push([archive, urls]),
  };
  const ctx = fakeContext();
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return {
    mirrors: openMirrors(routes, ctx),
    provider: sampleProvider({ metadata: { ...metadata, mirrors: read } }),
    without: sampleProvider({ metadata }),
    offered,
    read,
  };
}

it('reads a list once, and lets the addresses of the archive lead there', async () => {
  const { mirrors, provider, offered, read } = open();
  expect(await Promise.all([mirrors.list(main, provider), mirrors.list(main, provider)])).toEqual([list, list]);
  expect(read).toHaveBeenCalledTimes(1);
  expect(offered).toEqual([[main.archive, list.urls]]);
});

it('asks for no list where the user named mirrors, nor where the ecosystem has none', async () => {
  const named = open(true);
  expect(await named.mirrors.list(main, named.provider)).toBeUndefined();
  expect(named.read).not.toHaveBeenCalled();
  const { mirrors, without } = open();
  expect(await mirrors.list(main, without)).toBeUndefined();
});

it('warns of mirrors of what is no repository, and keeps passwords', () => {
  const metalink = 'https://list.example/metalink?repo=a';
  const repositories = [main, { ...repository('other'), metalink, keyrings: ['/k.asc', 'https://keys.example/own.asc'] }];
  const used = [`${main.archive}/`, 'http://me:secret@archive/main', 'http://archive', metalink, 'https://keys.example'];
  const warned = unusedMirrors(
    [...used, `${main.archive}/sub`, 'http://archive/mai', 'http://me:secret@none.example/'].map((archive) => ({ archive })),
    repositories,
  );
  expect(warned.map((event) => event.type === 'warning' && [event.code, event.message])).toEqual(
    [`${main.archive}/sub`, 'http://archive/mai', 'http://none.example'].map((archive) => [
      'ICT_MIRROR_UNUSED',
      `--mirror names a mirror of ${archive}, and no repository is there`,
    ]),
  );
});

describe('what a lock names', () => {
  const other = repository('other');
  const read = async (list: (id: string) => Promise<unknown>, ...paths: readonly string[]) => {
    await using ctx = fakeContext({ archives: [memoryArchive({ [`${main.archive}/a`]: 'of a', [`${main.archive}/b`]: 'of b' })] });
    const asked: string[] = [];
    const reaching = reachingMirrors(
      [main, other],
      ({ id }) => {
        asked.push(id);
        return list(id);
      },
      ctx,
    );
    const files = await Promise.all(paths.map((path) => reaching.fetch.fetch({ url: `${main.archive}/${path}`, maxBytes: 99 })));
    return { asked, sizes: files.map(({ sizeBytes }) => sizeBytes), events: ctx.events };
  };

  it('is fetched when the list of its repository was read, once, and no other list is', async () => {
    expect((await read(async () => list)).asked).toEqual([]);
    expect(await read(async () => list, 'a', 'b')).toMatchObject({ asked: ['main'], sizes: [4, 4] });
  });

  it('comes from the archive itself, with a warning, when the list is not to be had', async () => {
    const { sizes, events } = await read(() => Promise.reject(new Error('the list is away')), 'a');
    expect(sizes).toEqual([4]);
    expect(events).toEqual([
      expect.objectContaining({ type: 'warning', message: expect.stringMatching(/"main": the list is away/) as string }),
    ]);
  });
});
