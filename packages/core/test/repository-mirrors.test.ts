import { expect, it, vi } from 'vitest';
import { fakeContext } from '@ict/plugin-testkit';
import { openMirrors } from '../src/repository-mirrors.js';
import { repository, sampleProvider } from './sample-image.js';

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
  return {
    mirrors: openMirrors(routes, fakeContext()),
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
