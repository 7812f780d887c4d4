import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { Context, Digest, EventBody, Provider, RepositorySpec } from '@ict/plugin-api';
import { SIGNATURE_POLICY } from '@ict/verify';
import { obtainPackages } from '../../src/packages/downloads.js';
import { inParallel } from '../../src/in-parallel.js';
import type { PackageShelf } from '../../src/packages/package-shelf.js';
import { digestOfAll, resolvedPackage } from '../support/sample-image.js';

const pkg = (name: string, letter: string) => resolvedPackage(name, { digest: digestOfAll(letter) });

function context() {
  const events: EventBody[] = [];
  const fetched: string[] = [];
  const ctx = {
    signal: new AbortController().signal,
    emit: (event: EventBody) => void events.push(event),
    fetch: {
      fetch: async ({ url, expect: expected }: { url: string; expect: { digest: Digest } }) => {
        fetched.push(url);
        return { file: `/tmp/${url}`, digest: expected.digest, sizeBytes: 10, fromCache: false, url };
      },
    },
  } as unknown as Context;
  return { ctx, events, fetched };
}

const provider = { verifier: { verify: async () => undefined } } as unknown as Provider;
const online = { workers: 4, offline: false, list: async () => undefined };
const repositories = [{ id: 'main', archive: 'http://archive', suite: '', components: [], keyrings: [] }];

/** @param rules that the record of each cached package names. */
function shelf(states: Record<string, 'hit' | 'miss' | 'invalid'>, rules?: Digest) {
  const stored: string[] = [];
  const vouched: Digest[] = [];
  const made: Pick<PackageShelf, 'lookup' | 'store' | 'vouch'> = {
    lookup: async ({ name }) => {
      const state = states[name] ?? 'miss';
      if (state === 'hit') return { state, file: `/cache/${name}`, check: 'signature', ...(rules === undefined ? {} : { rules }) };
      return state === 'invalid' ? { state, reason: 'size' } : { state };
    },
    store: async ({ name }, _file, held) => {
      stored.push(name);
      if (held !== undefined) vouched.push(held);
      return `/cache/${name}`;
    },
    vouch: async (_pkg, held) => void vouched.push(held),
  };
  return { made, stored, vouched };
}

describe('obtainPackages', () => {
  it('uses what is cached, replaces only what is invalid, and keeps the order', async () => {
    const { ctx, events, fetched } = context();
    const { made, stored } = shelf({ bash: 'hit', tar: 'invalid' });
    const verified = await obtainPackages([pkg('tar', 'b'), pkg('bash', 'c')], repositories, provider, made, online, ctx);
    expect(verified.map((entry) => entry.file)).toEqual(['/cache/tar', '/cache/bash']);
    expect(fetched).toEqual(['http://archive/pool/tar.pkg']);
    expect(stored).toEqual(['tar']);
    expect(events.map((event) => event.type)).toEqual(['fetch.start', 'package.downloaded', 'package.verified']);
  });

  describe('where a provider says which rules its packages are held to', () => {
    const asked: string[] = [];
    const ruled = (laxity: string, verify = async (file: string) => void asked.push(file)) =>
      ({ verifier: { verify, rules: () => ({ laxity }) } }) as unknown as Provider;
    const held = async (laxity: string): Promise<Digest> => {
      const { made, vouched } = shelf({});
      await obtainPackages([pkg('tar', 'b')], repositories, ruled(laxity), made, online, context().ctx);
      return vouched[0] as Digest;
    };

    it('counts the policy on signatures among them', async () => {
      expect(await held('lax')).toBe(digestOf(canonicalJson({ policy: SIGNATURE_POLICY, rules: { laxity: 'lax' } })));
    });

    it('verifies a cached package again by other rules, or when none are on record, and notes that', async () => {
      const strict = await held('strict');
      for (const before of [await held('lax'), undefined]) {
        asked.length = 0;
        const { made, vouched } = shelf({ tar: 'hit' }, before);
        const { ctx, events } = context();
        const [tar] = await obtainPackages([pkg('tar', 'b')], repositories, ruled('strict'), made, online, ctx);
        expect([asked, vouched]).toEqual([['/cache/tar'], [strict]]);
        const { name, version, digest } = tar!;
        expect(events.slice(0, -1)).toEqual([{ type: 'package.verified', name, version, digest, from: 'cache' }]);
      }
    });

    it('takes one that was verified by the same rules as it is', async () => {
      const before = await held('strict');
      asked.length = 0;
      const { made, vouched } = shelf({ tar: 'hit' }, before);
      const { ctx, events } = context();
      await obtainPackages([pkg('tar', 'b')], repositories, ruled('strict'), made, online, ctx);
      expect([asked, vouched]).toEqual([[], []]);
      expect(events.map(({ type }) => type)).toEqual(['fetch.start']);
    });

    it.each([
      [
        'refuses one that they do not accept, says so',
        'integrity',
        [{ type: 'package.invalid', reason: 'nobody signed it', check: 'rules' }],
      ],
      ['says nothing of one when the keys cannot be read', 'invalid', []],
    ] as const)('%s, and does not vouch for it', async (_what, kind, told) => {
      const { made, vouched } = shelf({ tar: 'hit' }, await held('lax'));
      const provider = ruled('strict', async () => {
        throw new IctError('ICT_TEST_UNSIGNED', kind, { message: 'nobody signed it' });
      });
      const { ctx, events } = context();
      const work = obtainPackages([pkg('tar', 'b')], repositories, provider, made, online, ctx);
      await expect(work).rejects.toMatchObject({ code: 'ICT_TEST_UNSIGNED' });
      expect(vouched).toEqual([]);
      expect(events).toEqual(told.map((event) => ({ name: 'tar', version: pkg('tar', 'b').version, ...event })));
    });
  });

  it('fetches what lies elsewhere from there, and keeps and verifies it as what is of that repository', async () => {
    const { ctx, fetched } = context();
    const { made, stored } = shelf({});
    const asked: (string | undefined)[] = [];
    const strict = {
      verifier: { verify: async (_file: string, _pkg: unknown, { id }: RepositorySpec) => void asked.push(id) },
    } as unknown as Provider;
    const elsewhere = { ...pkg('tar', 'b'), archive: 'https://packages.example/os' };
    const [first] = await obtainPackages([elsewhere], repositories, strict, made, online, ctx);
    expect([fetched, stored, asked]).toEqual([['https://packages.example/os/pool/tar.pkg'], ['tar'], ['main']]);
    expect(first).toEqual({ ...elsewhere, file: '/cache/tar' });
  });

  it('takes from the cache what lies elsewhere, and offline names what is not there', async () => {
    const { ctx, fetched } = context();
    const elsewhere = ['tar', 'sed'].map((name, at) => ({ ...pkg(name, 'bc'[at]!), archive: 'https://packages.example/os' }));
    const offline = { ...online, offline: true };
    const obtained = await obtainPackages(elsewhere.slice(0, 1), repositories, provider, shelf({ tar: 'hit' }).made, offline, ctx);
    expect(obtained.map(({ file }) => file)).toEqual(['/cache/tar']);
    const lacking = obtainPackages(elsewhere, repositories, provider, shelf({ tar: 'hit' }).made, offline, ctx);
    await expect(lacking).rejects.toMatchObject({ code: 'ICT_PACKAGES_OFFLINE', facts: { packages: [`sed ${elsewhere[1]!.version}`] } });
    expect(fetched).toEqual([]);
  });

  it('fetches content once when two closures name it', async () => {
    const { ctx, fetched } = context();
    await obtainPackages([pkg('tar', 'b'), pkg('tar', 'b')], repositories, provider, shelf({}).made, online, ctx);
    expect(fetched).toHaveLength(1);
  });

  it('asks for the mirrors of repositories that it downloads from, and does without a list that is away', async () => {
    const { ctx, events, fetched } = context();
    const asked: string[] = [];
    const list = async ({ id }: RepositorySpec) => {
      asked.push(id);
      throw new IctError('ICT_TEST_AWAY', 'network', { message: 'no list' });
    };
    const others = [...repositories, { ...repositories[0]!, id: 'unused' }];
    await obtainPackages([pkg('tar', 'b'), pkg('sed', 'c')], others, provider, shelf({}).made, { ...online, list }, ctx);
    expect(asked).toEqual(['main']);
    expect(fetched).toHaveLength(2);
    expect(events[0]).toMatchObject({ type: 'warning', code: 'ICT_TEST_AWAY' });
    await obtainPackages([pkg('tar', 'b')], repositories, provider, shelf({ tar: 'hit' }).made, { ...online, list }, ctx);
    expect(asked).toEqual(['main']);
  });

  it('names the package and the repository that sent something else, and stores nothing', async () => {
    const { ctx } = context();
    const { made, stored } = shelf({});
    const facts = { url: 'http://archive/pool/tar.pkg', expected: 10, actual: 5 };
    const fetch = (code: string) => ({
      fetch: () => Promise.reject(new IctError(code, 'integrity', { message: 'http://archive/pool/tar.pkg is 5 bytes', facts })),
    });
    const obtain = (code: string) =>
      obtainPackages([pkg('tar', 'b')], repositories, provider, made, online, { ...ctx, fetch: fetch(code) });
    await expect(obtain('ICT_FETCH_MISMATCH')).rejects.toMatchObject({
      code: 'ICT_PACKAGE_MISMATCH',
      kind: 'integrity',
      message: expect.stringMatching(/^package tar 1\S* of repository "main" is not .* 5 bytes$/) as string,
      facts: { ...facts, name: 'tar', repository: 'main', path: 'pool/tar.pkg' },
      cause: { code: 'ICT_FETCH_MISMATCH' },
    });
    await expect(obtain('ICT_FETCH_TOO_LARGE')).rejects.toMatchObject({ code: 'ICT_FETCH_TOO_LARGE' });
    expect(stored).toEqual([]);
  });

  it('stores nothing that its verifier refuses', async () => {
    const { ctx } = context();
    const { made, stored } = shelf({});
    const strict = { verifier: { verify: () => Promise.reject(new Error('another package')) } } as unknown as Provider;
    await expect(obtainPackages([pkg('tar', 'b')], repositories, strict, made, online, ctx)).rejects.toThrow('another package');
    expect(stored).toEqual([]);
  });
});

describe('inParallel', () => {
  it('keeps to its limit', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5], 2, new AbortController().signal, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(item);
    });
    expect(most).toBe(2);
    expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('starts nothing new after a failure, and waits for what runs', async () => {
    const started: number[] = [];
    let finished = 0;
    const work = inParallel([1, 2, 3, 4], 2, new AbortController().signal, async (item) => {
      started.push(item);
      if (item === 1) throw new Error('first');
      await new Promise((resolve) => setImmediate(resolve));
      finished++;
    });
    await expect(work).rejects.toThrow('first');
    expect(started).toEqual([1, 2]);
    expect(finished).toBe(1);
  });

  it('names everything that an offline build lacks, and fetches nothing', async () => {
    const { ctx, fetched } = context();
    const { made } = shelf({ bash: 'hit', sed: 'invalid' });
    const work = obtainPackages(
      [pkg('tar', 'b'), pkg('bash', 'c'), pkg('sed', 'd')],
      repositories,
      provider,
      made,
      { ...online, offline: true },
      ctx,
    );
    await expect(work).rejects.toMatchObject({
      code: 'ICT_PACKAGES_OFFLINE',
      kind: 'offline',
      problems: [{ message: expect.stringMatching(/^sed /) as unknown }, { message: expect.stringMatching(/^tar /) as unknown }],
    });
    expect(fetched).toEqual([]);
  });
});
