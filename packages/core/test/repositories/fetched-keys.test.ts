import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { IctError, type Context, type RepositorySpec } from '@ict/plugin-api';
import { fakeContext, memoryArchive, type FakeContext } from '@ict/plugin-testkit';
import { parseKeyring } from '@ict/verify';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withFetchedKeys, withLockedKeys } from '../../src/repositories/fetched-keys.js';
import { repository } from '../support/sample-image.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../../../providers/rpm/test/fixtures/repos/${name}`, import.meta.url));
const [OWN, OTHER] = [fixture('opensuse-obs-zstd/signing-key.asc'), fixture('librepo-signed/repodata/repomd.xml.key.asc')];
const ADDRESS = 'https://keys.example/own.asc';

let own: Uint8Array;
let other: Uint8Array;
/** Fingerprints of the one key that each has. */
let ours: string;
let theirs: string;

beforeAll(async () => {
  [own, other] = [await readFile(OWN), await readFile(OTHER)];
  const first = async (bytes: Uint8Array) => (await parseKeyring(bytes)).keys[0]!.fingerprint;
  [ours, theirs] = [await first(own), await first(other)];
});

/** A context in which the addresses have these keyrings. */
const serving = (files: Readonly<Record<string, Uint8Array | string>>): FakeContext => fakeContext({ archives: [memoryArchive(files)] });

/** The same where nothing may be fetched. */
const offline = (ctx: Context): Context => ({
  ...ctx,
  fetch: {
    fetch: ({ url }) =>
      Promise.reject(new IctError('ICT_FETCH_OFFLINE', 'offline', { message: `${url} is needed`, hint: 'Fetch it.', facts: { url } })),
  },
});

const keyed = (parts: Partial<RepositorySpec> = {}): RepositorySpec => ({ ...repository('own'), keyrings: [ADDRESS], ...parts });

/** Archives of which a mirror was chosen while keys were fetched. */
let chosen: string[];
beforeEach(() => {
  chosen = [];
});
const mirrors = {
  chooseMirror: <T>(archive: string, attempt: () => Promise<T>): Promise<T> => {
    chosen.push(archive);
    return attempt();
  },
};

describe('a repository whose keys lie on this machine', () => {
  it('stays as it is, and nothing is fetched', async () => {
    await using ctx = serving({});
    const plain = keyed({ keyrings: ['/k.asc'] });
    expect(await withFetchedKeys(plain, ctx)).toBe(plain);
    expect(await withLockedKeys([plain], [{ id: 'own', signers: [ours] }], mirrors, ctx)).toEqual([plain]);
    expect(ctx.fetch.requests).toEqual([]);
  });
});

describe('a key at an address', () => {
  it('is fetched, within bounds, and counts as far as it is pinned', async () => {
    await using ctx = serving({ [ADDRESS]: Buffer.concat([own, other]) });
    const { keyrings, fingerprints } = await withFetchedKeys(keyed({ fingerprints: [ours] }), ctx);
    expect(fingerprints).toEqual([ours]);
    expect(await readFile(keyrings[0]!)).toEqual(Buffer.concat([own, other]));
    expect(ctx.fetch.requests).toEqual([{ url: ADDRESS, maxBytes: 2 ** 20, conditional: true }]);
  });

  it('is refused without a pin, with the line to paste', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    await expect(withFetchedKeys(keyed(), ctx)).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_KEY_UNPINNED',
      kind: 'invalid',
      hint: expect.stringContaining(`fingerprints: ["${ours}"]`) as unknown,
      facts: { repository: 'own', keyrings: [ADDRESS], fingerprints: [ours] },
    });
  });

  it('is refused without a pin also where something else lies there', async () => {
    await using ctx = serving({ [ADDRESS]: '<html>' });
    await expect(withFetchedKeys(keyed(), ctx)).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_KEY_UNPINNED',
      facts: { fingerprints: [] },
    });
  });

  it('is refused when another lies there than was pinned', async () => {
    await using ctx = serving({ [ADDRESS]: other });
    await expect(withFetchedKeys(keyed({ fingerprints: [ours] }), ctx)).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_FINGERPRINT',
      kind: 'integrity',
      facts: { repository: 'own', missing: [ours], held: [theirs] },
    });
  });

  it('may hold one of several that are pinned, beside files', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    const { keyrings } = await withFetchedKeys(keyed({ keyrings: [OTHER, ADDRESS], fingerprints: [ours, theirs] }), ctx);
    expect(keyrings).toEqual([OTHER, expect.stringContaining('fetched-')]);
  });

  it('that cannot be had is told of with its repository', async () => {
    await using ctx = serving({});
    await expect(withFetchedKeys(keyed({ fingerprints: [ours] }), ctx)).rejects.toMatchObject({
      code: 'ICT_FETCH_NOT_FOUND',
      facts: { repository: 'own', keyrings: [ADDRESS] },
    });
  });

  it('is asked for again each time, and taken from the cache offline', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    const pinned = keyed({ fingerprints: [ours] });
    await withFetchedKeys(pinned, ctx);
    await withFetchedKeys(pinned, ctx);
    expect(ctx.fetch.requests).toHaveLength(2);
    const { keyrings } = await withFetchedKeys(pinned, offline(ctx));
    expect(await readFile(keyrings[0]!)).toEqual(own);
    await expect(withFetchedKeys(keyed(), offline(ctx))).rejects.toMatchObject({ code: 'ICT_REPOSITORY_KEY_UNPINNED' });
  });

  it('that was never fetched, or is damaged, is absent offline', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    const pinned = keyed({ fingerprints: [ours] });
    const absent = {
      code: 'ICT_FETCH_OFFLINE',
      message: `the key of repository "own", ${ADDRESS}, is not in the cache, and --offline forbids to fetch it`,
      facts: { repository: 'own' },
    };
    await expect(withFetchedKeys(pinned, offline(ctx))).rejects.toMatchObject(absent);
    await withFetchedKeys(pinned, ctx);
    const [digest] = ctx.blobs.digests;
    const blob = await ctx.blobs.path(digest!);
    await writeFile(blob!, other);
    await expect(withFetchedKeys(pinned, offline(ctx))).rejects.toMatchObject(absent);
  });
});

describe('with a lock', () => {
  const locked = (signer: string) => [{ id: 'own', signers: [signer] }];

  it('the keys count that vouched for the repository then', async () => {
    await using ctx = serving({ [ADDRESS]: Buffer.concat([own, other]) });
    expect(await withLockedKeys([keyed()], locked(theirs), mirrors, ctx)).toMatchObject([{ fingerprints: [theirs] }]);
    expect(await withLockedKeys([keyed({ fingerprints: [ours] })], locked(theirs), mirrors, ctx)).toMatchObject([{ fingerprints: [ours] }]);
  });

  it('a kept key is used without asking, unless it lacks a pinned one', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    await withFetchedKeys(keyed({ fingerprints: [ours] }), ctx);
    expect(await withLockedKeys([keyed()], locked(ours), mirrors, ctx)).toMatchObject([{ fingerprints: [ours] }]);
    expect(ctx.fetch.requests).toHaveLength(1);
    await expect(withLockedKeys([keyed()], locked(theirs), mirrors, ctx)).rejects.toMatchObject({ code: 'ICT_REPOSITORY_FINGERPRINT' });
    expect(ctx.fetch.requests).toHaveLength(2);
  });

  it('a key in the archive itself is sought on its mirrors', async () => {
    const below = `${repository('own').archive}/own.asc`;
    await using ctx = serving({ [ADDRESS]: own, [below]: own });
    expect(await withLockedKeys([keyed()], locked(ours), mirrors, ctx)).toMatchObject([{ fingerprints: [ours] }]);
    expect(chosen).toEqual([]);
    expect(await withLockedKeys([keyed({ keyrings: [below] })], locked(ours), mirrors, ctx)).toMatchObject([{ fingerprints: [ours] }]);
    expect(chosen).toEqual([repository('own').archive]);
  });

  it('that says nothing of the repository, it stays unpinned', async () => {
    await using ctx = serving({ [ADDRESS]: own });
    await expect(withLockedKeys([keyed()], [{ id: 'else', signers: [ours] }], mirrors, ctx)).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_KEY_UNPINNED',
    });
  });
});
