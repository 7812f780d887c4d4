import { IctError, type Context, type Digest, type EventBody, type Provider, type ResolvedPackage } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import type { SettledLock } from '../../src/locks/lock-settling.js';
import { fetchPackages } from '../../src/packages/locked-packages.js';
import type { PackageShelf } from '../../src/packages/package-shelf.js';
import type { Services } from '../../src/services.js';
import type { Intake } from '../../src/templates/template-intake.js';
import { digestOfAll, resolvedPackage } from '../support/sample-image.js';

const pkg = (name: string, letter: string) => resolvedPackage(name, { digest: digestOfAll(letter) });
const [bash, tar, tool] = [pkg('bash', 'a'), pkg('tar', 'b'), pkg('tool', 'c')];

/** What differs from a lock that nobody wrote to a file, and whose packages are good. */
interface Asked {
  readonly ofTools?: readonly ResolvedPackage[];
  readonly file?: string;
  readonly verify?: () => Promise<void>;
}

/** Fetches the packages of a lock: what is asked of the network, and whether twins are sought. */
async function locked(late: boolean, { ofTools = [tool], file, verify = async () => undefined }: Asked = {}) {
  const fetched: string[] = [];
  const graphs: string[] = [];
  const events: EventBody[] = [];
  const context = {
    signal: new AbortController().signal,
    emit: (event: EventBody) => void events.push(event),
    fetch: {
      fetch: async ({ url, expect: { digest } }: { url: string; expect: { digest: Digest } }) => {
        fetched.push(url.slice(url.lastIndexOf('/') + 1));
        return { file: `/tmp/${url}`, digest, sizeBytes: 10, fromCache: false, url };
      },
    },
  } as unknown as Context;
  const shelf: PackageShelf = {
    lookup: async () => ({ state: 'miss' }),
    store: async ({ name }) => `/cache/${name}`,
    vouch: async () => undefined,
    writeGraph: async (dot) => void graphs.push(dot),
    forUnpacking: async (packages) => packages.map((one) => ({ ...one, twin: `${one.file}.twin` })),
  };
  const provider = { verifier: { verify } } as unknown as Provider;
  const services = { context, mirrors: { list: async () => undefined }, packages: () => shelf } as unknown as Services;
  const settled = {
    file,
    lock: { packages: [bash, tar], tools: ofTools, repositories: [] },
    request: { repositories: [{ id: 'main', archive: 'http://archive', suite: '', components: [], keyrings: [] }] },
  } as unknown as SettledLock;
  const intake = { provider: { part: provider } } as unknown as Intake;
  const result = await fetchPackages(settled, intake, { workers: 1, offline: false }, services, { use: true, late });
  return { ...result, fetched, graphs, events };
}

const sorted = (names: readonly string[]): readonly string[] => [...names].sort();

describe('the packages of a lock', () => {
  it('all lie on this machine before anything is made', async () => {
    const { packages, tools, fetched, graphs, forUnpacking } = await locked(false);
    expect(sorted(fetched)).toEqual(['bash.pkg', 'tar.pkg', 'tool.pkg']);
    expect([...packages, ...tools].map(({ file }) => file)).toEqual(['/cache/bash', '/cache/tar', '/cache/tool']);
    expect((await forUnpacking(packages)).map(({ twin }) => twin)).toEqual(['/cache/bash.twin', '/cache/tar.twin']);
    expect(fetched).toHaveLength(3);
    expect(graphs).toHaveLength(1);
  });

  it('are fetched when they are unpacked where layers may come from elsewhere, each once', async () => {
    const { packages, tools, fetched, graphs, forUnpacking } = await locked(true);
    expect(fetched).toEqual([]);
    expect([...packages, ...tools].map(({ file }) => file)).toEqual(['', '', '']);
    expect(await forUnpacking([packages[1]!])).toMatchObject([{ name: 'tar', file: '/cache/tar', twin: '/cache/tar.twin' }]);
    expect(fetched).toEqual(['tar.pkg']);
    expect((await forUnpacking(packages)).map(({ file }) => file)).toEqual(['/cache/bash', '/cache/tar']);
    expect(fetched).toEqual(['tar.pkg', 'bash.pkg']);
    expect(graphs).toHaveLength(1);
  });

  it.each([false, true])('count once where image and tools need the same one (fetched late: %s)', async (late) => {
    const { distinct, tools, events } = await locked(late, { ofTools: [tar, tool] });
    expect(tools.map(({ name }) => name)).toEqual(['tar', 'tool']);
    expect(distinct).toBe(3);
    expect(events[0]).toMatchObject({ type: 'resolve.done', packages: 3, downloadBytes: 3 * bash.sizeBytes });
  });

  const wrong = (kind: 'integrity' | 'host') =>
    Promise.reject(new IctError('ICT_SAMPLE_OTHER', kind, { message: 'another', hint: 'Report it.', facts: { package: 'bash' } }));

  it.each([false, true])('that are not what the lock says may have been changed there: late %s', async (late) => {
    const fetch = async () => {
      const { forUnpacking, packages } = await locked(late, { file: '/x.lock.yml', verify: () => wrong('integrity') });
      return forUnpacking(packages);
    };
    await expect(fetch()).rejects.toMatchObject({
      code: 'ICT_SAMPLE_OTHER',
      kind: 'integrity',
      message: 'another',
      hint: expect.stringMatching(/\/x\.lock\.yml.*Report it\.$/) as string,
      facts: { package: 'bash', lock: '/x.lock.yml' },
    });
  });

  it.each<[string, string | undefined, 'integrity' | 'host']>([
    ['were resolved just now', undefined, 'integrity'],
    ['cannot be looked at', '/x.lock.yml', 'host'],
  ])('that %s are told as they are', async (_what, file, kind) => {
    await expect(locked(false, { ...(file === undefined ? {} : { file }), verify: () => wrong(kind) })).rejects.toMatchObject({
      hint: 'Report it.',
      facts: { package: 'bash' },
    });
  });
});
