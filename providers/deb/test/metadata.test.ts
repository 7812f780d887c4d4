import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { digestHex, digestOf } from '@ict/integrity';
import type { IctError, PackageRecord, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { createMetadataSource, loadIndexes } from '../src/metadata/metadata.js';
import { IndexStore } from '../src/metadata/index-store.js';
import { clearsign, FakeContext } from './fake-context.js';

const keyring = fileURLToPath(new URL('../keyrings/debian-archive-keyring.pgp', import.meta.url));
const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

const archive = 'http://archive.test/debian';
const updates: RepositorySpec = {
  id: 'debian-bookworm-updates',
  archive,
  suite: 'bookworm-updates',
  components: ['main'],
  keyrings: [keyring],
  expect: { origin: 'Debian', label: 'Debian', codename: 'bookworm-updates' },
};
const source = createMetadataSource();

async function collect(pinned: Snapshot, ctx: FakeContext): Promise<PackageRecord[]> {
  const records: PackageRecord[] = [];
  for await (const record of source.packages(pinned, ctx)) records.push(record);
  return records;
}

/** An archive with the real suite `bookworm-updates`. */
function realArchive(): FakeContext {
  const ctx = new FakeContext();
  ctx.served.set(`${archive}/dists/bookworm-updates/InRelease`, fixture('bookworm-updates/InRelease'));
  ctx.served.set(`${archive}/dists/bookworm-updates/main/binary-amd64/Packages.xz`, fixture('bookworm-updates/Packages.xz'));
  return ctx;
}

const small: RepositorySpec = { id: 'small', archive, suite: 'stable', components: ['main', 'extra'], keyrings: [keyring] };
const stanza = (name: string): string =>
  `Package: ${name}\nVersion: 1\nArchitecture: all\nFilename: pool/${name}.deb\nSize: 1\nSHA256: ${'ab'.repeat(32)}\n`;

interface SmallOptions {
  readonly header?: string;
  /** Lists the decompressed index as well. */
  readonly plain?: boolean;
  readonly listed?: string;
}

/** A suite of two components, one package each. */
function smallArchive(options: SmallOptions = {}): FakeContext {
  const ctx = new FakeContext();
  const lines: string[] = [];
  for (const [component, name] of [
    ['main', 'a'],
    ['extra', 'b'],
  ]) {
    const text = Buffer.from(stanza(name));
    const packed = gzipSync(text);
    const path = `${component}/binary-amd64/Packages`;
    if (options.plain !== false) lines.push(` ${digestHex(digestOf(options.listed ?? text))} ${text.length} ${path}`);
    lines.push(` ${digestHex(digestOf(packed))} ${packed.length} ${path}.gz`);
    ctx.served.set(`${archive}/dists/stable/${path}.gz`, packed);
  }
  const header = options.header ?? 'Suite: stable\nDate: Fri, 20 Nov 2026 02:11:10 UTC\n';
  ctx.served.set(`${archive}/dists/stable/InRelease`, clearsign(`${header}SHA256:\n${lines.join('\n')}\n`));
  return ctx;
}

describe('snapshot', () => {
  it('pins a real repository', async () => {
    await using ctx = realArchive();
    const pinned = await source.snapshot(updates, 'x86_64', ctx);
    const inRelease = fixture('bookworm-updates/InRelease');
    expect(pinned).toMatchObject({
      repository: updates,
      root: {
        path: 'dists/bookworm-updates/InRelease',
        digest: digestOf(inRelease),
        sizeBytes: inRelease.length,
        dateSeconds: Date.parse('2026-11-20T02:11:10Z') / 1000,
        origin: 'Debian',
        codename: 'bookworm-updates',
        version: '12-updates',
      },
      signers: ['F'.repeat(40)],
      indexes: [
        {
          path: 'dists/bookworm-updates/main/binary-amd64/Packages.xz',
          digest: digestOf(fixture('bookworm-updates/Packages.xz')),
          component: 'main',
        },
      ],
    });
    expect(ctx.requests).toEqual([{ url: `${archive}/dists/bookworm-updates/InRelease`, maxBytes: 10 * 1024 * 1024, conditional: true }]);
    expect(await ctx.blobs.path(pinned.root.digest)).toBeDefined();
    expect(structuredClone(pinned)).toEqual(pinned);
    expect(ctx.events).toEqual([]);
  });

  it('falls back to Release and Release.gpg', async () => {
    await using ctx = smallArchive();
    const url = `${archive}/dists/stable`;
    const signed = Buffer.from(ctx.served.get(`${url}/InRelease`)!).toString('utf8');
    ctx.served.delete(`${url}/InRelease`);
    await expect(source.snapshot(small, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_RELEASE_MISSING',
      hint: expect.stringContaining('"url" and "codename" of a template') as string,
      facts: { absent: true },
    });
    ctx.served.set(`${url}/Release`, Buffer.from(signed.slice(signed.indexOf('Suite:'), signed.indexOf('-----BEGIN PGP SIGNATURE'))));
    await expect(source.snapshot(small, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_RELEASE_UNSIGNED',
      kind: 'integrity',
      message: expect.stringContaining('no Release.gpg beside it') as string,
    });
    ctx.served.set(`${url}/Release.gpg`, Buffer.from('signature'));
    expect((await source.snapshot(small, 'x86_64', ctx)).root.path).toBe('dists/stable/Release');
    ctx.signature = { good: false, signers: [], issuers: ['6ED0E7B82643E131'], failures: ['bad'], faults: ['other'] };
    await expect(source.snapshot(small, 'x86_64', ctx)).rejects.toMatchObject({ code: 'ICT_DEB_RELEASE_SIGNATURE' });
  });

  it('counts only signers that are pinned, where keys are', async () => {
    await using ctx = smallArchive();
    const [own, other] = ['F'.repeat(40), 'A'.repeat(40)];
    ctx.signature = { good: true, signers: [own, other], issuers: [own.slice(-16)], failures: [] };
    const pinned = { ...small, fingerprints: [own.toLowerCase().replaceAll(/(.{4})/g, '$1 ')] };
    expect((await source.snapshot(pinned, 'x86_64', ctx)).signers).toEqual([own]);
    const refused = source.snapshot({ ...small, fingerprints: ['B'.repeat(40)] }, 'x86_64', ctx);
    await expect(refused).rejects.toMatchObject({
      code: 'ICT_DEB_RELEASE_UNKNOWN_KEY',
      message: expect.stringContaining('does not pin') as string,
    });
  });

  it('does not take another failure for an absent InRelease', async () => {
    await using ctx = smallArchive();
    ctx.served.set(`${archive}/dists/stable/InRelease`, Buffer.alloc(11 * 1024 * 1024));
    await expect(source.snapshot(small, 'x86_64', ctx)).rejects.toMatchObject({ code: 'ICT_FETCH_TOO_LARGE' });
    expect(ctx.requests).toHaveLength(1);
  });

  it.each([
    ['a foreign key', ['unknown-key'], 'ICT_DEB_RELEASE_UNKNOWN_KEY', 'Add the key'],
    ['a bad signature of a known key', ['other'], 'ICT_DEB_RELEASE_SIGNATURE', 'changed on its way'],
    ['a bad signature beside a foreign one', ['unknown-key', 'other'], 'ICT_DEB_RELEASE_SIGNATURE', 'changed on its way'],
    ['what a verifier does not explain', undefined, 'ICT_DEB_RELEASE_SIGNATURE', 'changed on its way'],
    ['an expired key', ['expired-key'], 'ICT_DEB_RELEASE_EXPIRED_KEY', 'new copy'],
    ['an expired key beside a foreign one', ['unknown-key', 'expired-key'], 'ICT_DEB_RELEASE_EXPIRED_KEY', 'new copy'],
    ['no signature', ['unsigned'], 'ICT_DEB_RELEASE_UNSIGNED', 'gpg --clearsign'],
  ] as const)('refuses %s', async (_, faults, code, hint) => {
    await using ctx = realArchive();
    const issuers = faults?.[0] === 'unsigned' ? [] : ['0123456789ABCDEF'];
    ctx.signature = { good: false, signers: [], failures: ['no'], issuers, ...(faults === undefined ? {} : { faults }) };
    await expect(source.snapshot(updates, 'x86_64', ctx)).rejects.toMatchObject({
      code,
      kind: 'integrity',
      hint: expect.stringContaining(hint) as string,
      facts: { issuers, accepted: expect.arrayContaining(['04B54C3CDCA79751B16BC6B5225629DF75B188BD']) as string[] },
    });
    expect(ctx.stored.size).toBe(0);
  });

  it('says of a signature that is dated after now that the clock may be wrong', async () => {
    await using ctx = realArchive();
    ctx.signature = { good: false, signers: [], failures: ['A1: Signature creation time is in the future'], issuers: [] };
    const refused = await source.snapshot(updates, 'x86_64', ctx).catch((error: unknown) => error as IctError);
    expect(refused).toMatchObject({ code: 'ICT_DEB_RELEASE_SIGNATURE', hint: expect.stringContaining('clock') as string });
  });

  it('judges by the injected clock and by what was expected', async () => {
    await using ctx = realArchive();
    ctx.nowSeconds = Date.parse('2026-11-18T00:00:00Z') / 1000;
    await expect(source.snapshot(updates, 'x86_64', ctx)).rejects.toMatchObject({ code: 'ICT_DEB_RELEASE_FUTURE' });
    ctx.nowSeconds = Date.parse('2026-11-20T12:00:00Z') / 1000;
    const expecting = { ...updates, expect: { codename: 'trixie' } };
    await expect(source.snapshot(expecting, 'x86_64', ctx)).rejects.toMatchObject({ code: 'ICT_DEB_RELEASE_MISMATCH' });
  });

  it('refuses a root that has expired', async () => {
    const header = 'Suite: stable\nDate: Fri, 20 Nov 2026 02:11:10 UTC\nValid-Until: Fri, 27 Nov 2026 02:11:10 UTC\n';
    await using ctx = smallArchive({ header });
    expect((await source.snapshot(small, 'x86_64', ctx)).root.validUntilSeconds).toBe(Date.parse('2026-11-27T02:11:10Z') / 1000);
    ctx.nowSeconds = Date.parse('2026-11-28T00:00:00Z') / 1000;
    await expect(source.snapshot(small, 'x86_64', ctx)).rejects.toMatchObject({ code: 'ICT_DEB_RELEASE_EXPIRED' });
  });

  it('needs a keyring', async () => {
    await using ctx = realArchive();
    await expect(source.snapshot({ ...updates, keyrings: [] }, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_KEYRING_UNREADABLE',
    });
    expect(ctx.requests).toEqual([]);
  });

  it('chooses indexes by architecture and component', async () => {
    await using ctx = realArchive();
    const arm = await source.snapshot(updates, 'aarch64', ctx);
    expect(arm.indexes[0].path).toBe('dists/bookworm-updates/main/binary-arm64/Packages.xz');
    await expect(source.snapshot({ ...updates, components: ['universe'] }, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_COMPONENT_MISSING',
      facts: { available: ['contrib', 'main', 'non-free', 'non-free-firmware'] },
    });
  });

  it('warns of a suite with another name', async () => {
    await using ctx = smallArchive({ header: 'Suite: oldstable\nCodename: old\nDate: Fri, 20 Nov 2026 02:11:10 UTC\n' });
    await source.snapshot(small, 'x86_64', ctx);
    expect(ctx.events).toEqual([expect.objectContaining({ type: 'warning', code: 'ICT_DEB_RELEASE_MISMATCH' })]);
  });
});

describe('packages', () => {
  it('streams the records of a real index, fetched by its digest when the archive has it so', async () => {
    await using ctx = realArchive();
    const pinned = await source.snapshot(updates, 'x86_64', ctx);
    const [index] = pinned.indexes;
    ctx.served.set(`${archive}/${index.byHash}`, fixture('bookworm-updates/Packages.xz'));
    ctx.served.delete(`${archive}/${index.path}`);
    const records = await collect(pinned, ctx);
    expect(records).toHaveLength(38);
    expect(new Set(records.map(({ repository }) => repository))).toEqual(new Set(['debian-bookworm-updates']));
    expect(ctx.requests.at(-1)).toMatchObject({ maxBytes: index.sizeBytes, expect: { digest: index.digest, sizeBytes: index.sizeBytes } });
  });

  it('falls back to the name when the archive does not have it by digest', async () => {
    await using ctx = realArchive();
    const pinned = await source.snapshot(updates, 'x86_64', ctx);
    expect(await collect(pinned, ctx)).toHaveLength(38);
    expect(ctx.requests.slice(1).map(({ url }) => url)).toEqual([
      `${archive}/${pinned.indexes[0].byHash}`,
      `${archive}/${pinned.indexes[0].path}`,
    ]);
  });

  it('needs neither network nor decompression the second time', async () => {
    await using ctx = realArchive();
    const pinned = await source.snapshot(updates, 'x86_64', ctx);
    const first = await collect(pinned, ctx);
    ctx.served.clear();
    const before = ctx.requests.length;
    expect(await collect(pinned, ctx)).toEqual(first);
    expect(ctx.requests).toHaveLength(before);
  });

  it('keeps the compressed index when the root does not list the plain one, and decompresses it once', async () => {
    await using ctx = smallArchive({ plain: false });
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const names = async () => (await collect(pinned, ctx)).map(({ name }) => name);
    expect(await names()).toEqual(['a', 'b']);
    ctx.served.clear();
    // Nothing but the text is there to be read.
    const compressed = pinned.indexes.map(({ digest }) => [digest, ctx.stored.get(digest)!] as const);
    for (const [digest] of compressed) ctx.stored.delete(digest);
    expect(await names()).toEqual(['a', 'b']);
    for (const [digest, file] of compressed) ctx.stored.set(digest, file);
    for (const text of ['a', 'b'].map((name) => digestOf(stanza(name)))) ctx.stored.delete(text);
    expect(await names()).toEqual(['a', 'b']);
    for (const key of ctx.remembered.keys()) ctx.remembered.set(key, { digest: 'nonsense', sizeBytes: 1 });
    expect(await names()).toEqual(['a', 'b']);
  });

  it('refuses an index that is missing, replaced, or not what it decompresses to', async () => {
    await using ctx = smallArchive();
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const url = `${archive}/${pinned.indexes[0].path}`;
    const right = ctx.served.get(url)!;
    ctx.served.delete(url);
    await expect(collect(pinned, ctx)).rejects.toMatchObject({ code: 'ICT_DEB_INDEX_MISSING' });
    ctx.served.set(url, gzipSync(stanza('evil')));
    await expect(collect(pinned, ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_INDEX_MISMATCH',
      message: expect.stringMatching(
        /^dists\/stable\/main\/binary-amd64\/Packages\.gz of repository "small", as fetched, is not/,
      ) as string,
      facts: {
        repository: 'small',
        actual: digestOf(gzipSync(stanza('evil'))),
        expected: { digest: digestOf(right), sizeBytes: right.length },
      },
      cause: { code: 'ICT_FETCH_MISMATCH' },
    });
    ctx.careless = true;
    await expect(collect(pinned, ctx)).rejects.toMatchObject({
      code: 'ICT_DEB_INDEX_MISMATCH',
      message: expect.stringContaining(`as fetched from ${url}, is not`) as string,
    });
    ctx.served.set(url, right);
    expect(await collect(pinned, ctx)).toHaveLength(2);
  });

  it('checks the plain digest, and never writes more than the plain size', async () => {
    await using wrong = smallArchive({ listed: 'another text' });
    await expect(collect(await source.snapshot(small, 'x86_64', wrong), wrong)).rejects.toMatchObject({ code: 'ICT_DEB_INDEX_MISMATCH' });
    await using ctx = smallArchive();
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const bomb = { ...pinned, indexes: pinned.indexes.map((index) => ({ ...index, plain: { ...index.plain!, sizeBytes: 10 } })) };
    await expect(collect(bomb, ctx)).rejects.toMatchObject({ code: 'ICT_DEB_INDEX_MISMATCH', cause: { code: 'ICT_ARCHIVE_TOO_LARGE' } });
    const huge = { ...pinned, indexes: pinned.indexes.map((index) => ({ ...index, plain: { ...index.plain!, sizeBytes: 2 ** 31 } })) };
    await expect(collect(huge, ctx)).rejects.toMatchObject({ code: 'ICT_DEB_INDEX_INVALID' });
  });

  it('refuses another size of a plain index that it knows, and keeps no directory of a part of it', async () => {
    await using ctx = smallArchive();
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const ref = await ctx.blobs.putBytes(Buffer.from(`${stanza('a')}\n${stanza('b')}`));
    const sized = (sizeBytes: number) => ({ ...pinned, indexes: [{ ...pinned.indexes[0]!, plain: { digest: ref.digest, sizeBytes } }] });
    for (const wrong of [Buffer.byteLength(stanza('a')), ref.sizeBytes + 1]) {
      await expect(collect(sized(wrong), ctx)).rejects.toMatchObject({
        code: 'ICT_DEB_INDEX_MISMATCH',
        message: expect.stringContaining(`${pinned.indexes[0]!.path} of repository "small", as stored,`) as string,
      });
    }
    expect(await collect(sized(ref.sizeBytes), ctx)).toHaveLength(2);
  });

  it('leaves out a package with a value that cannot be trusted, names it, and streams the others', async () => {
    await using ctx = smallArchive();
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const ref = await ctx.blobs.putBytes(
      Buffer.from(`${stanza('a')}\n${stanza('b').replace(/^Size: .*$/m, 'Size: many')}\n${stanza('c')}`),
    );
    const index = { ...pinned.indexes[0], plain: { digest: ref.digest, sizeBytes: ref.sizeBytes } };
    expect((await collect({ ...pinned, indexes: [index] }, ctx)).map(({ name }) => name)).toEqual(['a', 'c']);
    expect(ctx.events).toEqual([
      expect.objectContaining({
        code: 'ICT_DEB_INDEX_INVALID',
        message: `the index of repository "${small.id}" gives b the Size "many", which is not valid`,
      }),
    ]);
  });

  it('reports stanzas that it left out', async () => {
    await using ctx = smallArchive();
    const pinned = await source.snapshot(small, 'x86_64', ctx);
    const text = Buffer.from(`${stanza('a')}\nPackage: half\n`);
    const ref = await ctx.blobs.putBytes(text);
    const index = { ...pinned.indexes[0], plain: { digest: ref.digest, sizeBytes: ref.sizeBytes } };
    expect(await collect({ ...pinned, indexes: [index] }, ctx)).toHaveLength(1);
    expect(ctx.events).toEqual([
      expect.objectContaining({
        type: 'warning',
        code: 'ICT_DEB_INDEX_INVALID',
        message: expect.stringContaining(`${index.path}:8: half, Version: it has no Version`),
      }),
    ]);
  });
});

it('loadIndexes joins the indexes of a repository in order and shares a store', async () => {
  await using ctx = smallArchive();
  const store = new IndexStore();
  const index = await loadIndexes(await source.snapshot(small, 'x86_64', ctx), ctx, store);
  expect([index.count, [...index.byName('a')], [...index.byName('b')], index.diagnostics]).toEqual([2, [0], [1], []]);
  expect(index.store).toBe(store);
});
