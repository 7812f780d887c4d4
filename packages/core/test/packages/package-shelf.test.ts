import type { PackageCache } from '@ict/cache';
import type { Provider, VerifiedPackage } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import type { Lock } from '../../src/locks/lock.js';
import { CachedPackages, type TwinUse } from '../../src/packages/package-shelf.js';
import { digestOfAll, resolvedPackage } from '../support/sample-image.js';

const verified = (name: string, letter: string): VerifiedPackage => ({
  ...resolvedPackage(name, { digest: digestOfAll(letter) }),
  file: `/cache/${name}`,
});
const [old, fresh, roomless] = [verified('old', 'a'), verified('fresh', 'b'), verified('roomless', 'c')];

/** A shelf whose cache has all packages but `fresh`, and twins of all but `roomless`; and of which packages it asked for twins. */
function shelf(signal = new AbortController().signal) {
  const asked: string[] = [];
  const cache = {
    lookup: async ({ name }: { name: string }) => (name === 'fresh' ? { state: 'miss' } : { state: 'hit', file: `/cache/${name}` }),
  } as unknown as PackageCache;
  const provider = { fileName: ({ name }: { name: string }) => `${name}.pkg` } as unknown as Provider;
  const twins: TwinUse['twins'] = {
    obtain: async ({ fileName, file }) => {
      asked.push(`${fileName} ${file}`);
      return fileName === 'roomless.pkg' ? undefined : `/twins/${fileName}`;
    },
  };
  const make = (use: TwinUse | undefined) => new CachedPackages(cache, { repositories: [] } as unknown as Lock, provider, use);
  return { asked, packages: make({ twins, workers: 2, signal }), without: make(undefined) };
}

describe('packages that are made ready to be unpacked', () => {
  it('get a twin when an earlier build left them, and stay in order', async () => {
    const { asked, packages } = shelf();
    for (const pkg of [old, fresh, roomless]) await packages.lookup(pkg);
    expect(await packages.forUnpacking([roomless, fresh, old])).toEqual([roomless, fresh, { ...old, twin: '/twins/old.pkg' }]);
    expect(asked.sort()).toEqual(['old.pkg /cache/old', 'roomless.pkg /cache/roomless']);
  });

  it('stay as they are without twins', async () => {
    const { asked, without } = shelf();
    await without.lookup(old);
    expect(await without.forUnpacking([old])).toEqual([old]);
    expect(asked).toEqual([]);
  });

  it('are none once the build is stopped', async () => {
    const { asked, packages } = shelf(AbortSignal.abort(new Error('enough')));
    await packages.lookup(old);
    await expect(packages.forUnpacking([old])).rejects.toThrow('enough');
    expect(asked).toEqual([]);
  });
});

it('tells the cache who vouches for a package, whether it is looked for or stored', async () => {
  const told: unknown[] = [];
  const cache = {
    lookup: async (_pkg: unknown, signedBy: unknown) => {
      told.push(signedBy);
      return { state: 'miss' };
    },
    store: async (_pkg: unknown, _file: string, { signedBy }: { signedBy: unknown }) => void told.push(signedBy),
  } as unknown as PackageCache;
  const root = { digest: digestOfAll('d') };
  const lock = { repositories: ['other', old.repository].map((id) => ({ id, root, signers: [`key of ${id}`] })) } as unknown as Lock;
  const packages = new CachedPackages(cache, lock, { fileName: () => 'old.pkg' } as unknown as Provider);
  await packages.lookup(old);
  await packages.store(old, { file: '/fetched', digest: old.digest });
  const signedBy = { root: root.digest, signers: [`key of ${old.repository}`] };
  expect(told).toEqual([signedBy, signedBy]);
});

describe('a fetched package', () => {
  it('is stored with the state of its file when that was digested as the package is, else without', async () => {
    const states: unknown[] = [];
    const cache = {
      store: async (_pkg: unknown, _file: string, _vouched: unknown, state: unknown) => void states.push(state),
    } as unknown as PackageCache;
    const provider = { fileName: () => 'fresh.pkg' } as unknown as Provider;
    const packages = new CachedPackages(cache, { repositories: [] } as unknown as Lock, provider);
    const state = { ino: '1', sizeBytes: 10, mtimeNs: '2', ctimeNs: '3' };
    await packages.store(fresh, { file: '/fetched', digest: fresh.digest, state });
    await packages.store(fresh, { file: '/fetched', digest: old.digest, state });
    expect(states).toEqual([state, undefined]);
  });
});
