import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { DistributionDefinition, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { digestAlgorithm, digestOf } from '@ict/integrity';
import { type FakeContext } from '@ict/plugin-testkit';
import { loadPackages } from '../src/metadata/metadata.js';
import type { PackagesIndex } from '../src/metadata/packages-index.js';
import { indexOf, readIndex } from '../src/metadata/read-index.js';
import { decodePrimary } from '../src/metadata/primary-columns.js';
import { parseRepomd, repomdDate } from '../src/metadata/repomd.js';
import { metadataText, resolvePinned } from './checked-resolution.js';
import { recompress } from './compressed-repository.js';
import { address, KEYS, openRepositories, pinRepository, repository } from './fixture-repositories.js';

describe('real repositories', () => {
  it.each([
    ['pgdg-rhel8-common', KEYS.pgdg, 537],
    ['opensuse-obs-zstd', KEYS.opensuse, undefined],
    // Its key expired after it had signed.
    ['empty-signed', KEYS.suse, 0],
  ])('%s is signed, and read whole', async (name, key, count) => {
    const ctx = openRepositories([name]);
    const pinned = await pinRepository(ctx, repository(name, { keyrings: [key] }));
    expect(pinned.signers).toHaveLength(1);
    const index = await loadPackages(pinned, ctx);
    const stated = Number(/ packages="(\d+)"/.exec(await metadataText(pinned, 'primary', ctx))![1]);
    expect([index.count, index.diagnostics]).toEqual([stated, []]);
    if (count !== undefined) expect(stated).toBe(count);
  });

  it.each([
    'createrepo_c-repo_00',
    'createrepo_c-repo_02',
    'createrepo_c-additional-metadata',
    'createrepo_c-repo_with_duplicate_packages',
    'librepo-zchunk',
    'osbuild-custom-zstd',
  ])('%s is refused unsigned, and read on demand', async (name) => {
    const ctx = openRepositories([name]);
    await expect(pinRepository(ctx, repository(name))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_UNSIGNED' });
    const pinned = await pinRepository(ctx, repository(name, { repoGpgCheck: false }));
    expect(pinned.signers).toEqual([]);
    const index = await loadPackages(pinned, ctx);
    // Of what is listed twice, one entry counts; of equal files without a word.
    const text = await metadataText(pinned, 'primary', ctx);
    const listed = [...text.matchAll(/<name>(.+?)<\/name>\s*<arch>(.+?)<\/arch>\s*<version ([^>]+)\/>/g)].map(([, ...words]) =>
      words.join(' '),
    );
    expect(listed).toHaveLength(Number(/ packages="(\d+)"/.exec(text)![1]));
    expect([index.count, index.diagnostics]).toEqual([new Set(listed).size, []]);
  });

  it.each([
    ['a key that is not here', 'el9-small-signed', {}, 'ICT_RPM_REPOMD_UNKNOWN_KEY'],
    ['a key of another repository', 'opensuse-obs-zstd', { keyrings: [KEYS.pgdg] }, 'ICT_RPM_REPOMD_UNKNOWN_KEY'],
    ['a key that is not pinned', 'pgdg-rhel8-common', { fingerprints: ['F'.repeat(40)] }, 'ICT_RPM_REPOMD_UNKNOWN_KEY'],
    ['no keyring', 'pgdg-rhel8-common', { keyrings: [] }, 'ICT_RPM_KEYRING_UNREADABLE'],
    ['no repository at the address', 'nothing', {}, 'ICT_RPM_REPOMD_MISSING'],
    ['a key of another repository, of 2009', 'opensuse-11.1-virtualbox', {}, 'ICT_RPM_REPOMD_UNKNOWN_KEY'],
    ['a signature of DSA', 'opensuse-11.1-virtualbox', { keyrings: [KEYS.virtualbox] }, 'ICT_RPM_REPOMD_SIGNATURE'],
    // Its key expired after it had signed, and counts; its checksums do not.
    [
      'SHA-1 checksums alone, signed',
      'opensuse-11.1-virtualbox',
      { keyrings: [KEYS.virtualbox], legacyCrypto: true },
      'ICT_RPM_REPOMD_INVALID',
    ],
    ['SHA-1 checksums alone, unsigned', 'opensuse-11.1-virtualbox', { repoGpgCheck: false }, 'ICT_RPM_REPOMD_INVALID'],
    ['SHA-1 checksums alone', 'librepo-signed', { repoGpgCheck: false }, 'ICT_RPM_REPOMD_INVALID'],
  ] as const)('are refused: %s', async (_what, name, options, code) => {
    await expect(pinRepository(openRepositories([name]), repository(name, options))).rejects.toMatchObject({ code });
  });

  it('are refused when the metadata is not what their root says', async () => {
    const ctx = openRepositories(['createrepo_c-repo_01']);
    const pinned = await pinRepository(ctx, repository('createrepo_c-repo_01', { repoGpgCheck: false }));
    const failure = await loadPackages(pinned, ctx).then(
      () => 'read',
      (error: { readonly kind: string }) => error.kind,
    );
    expect(failure).toBe('integrity');
  });

  it('are read once: what was made of them is kept by their digest', async () => {
    const ctx = openRepositories(['createrepo_c-repo_02']);
    const pinned = await pinRepository(ctx, repository('createrepo_c-repo_02', { repoGpgCheck: false }));
    const first = await loadPackages(pinned, ctx);
    const seen = ctx.fetch.requests.length;
    rmSync((await ctx.blobs.path(pinned.indexes[0]!.digest))!);
    const again = await loadPackages(pinned, ctx);
    expect(ctx.fetch.requests).toHaveLength(seen);
    const all = (index: PackagesIndex) =>
      Array.from({ length: index.count }, (_, at) => [index.record(at, 'a'), index.words(at), index.package(at)]);
    expect(first.count).toBeGreaterThan(0);
    expect(all(again)).toEqual(all(first));
    expect(() => decodePrimary(Buffer.from('something else'))).toThrow(expect.objectContaining({ code: 'ICT_PACKAGE_INDEX_INVALID' }));
  });

  it('are refused when they are older than before', async () => {
    const name = 'pgdg-rhel8-common';
    const ctx = openRepositories([name]);
    const { root } = await pinRepository(ctx, repository(name));
    await expect(pinRepository(ctx, repository(name))).resolves.toBeDefined();
    await ctx.memo.set('rpm.newest', { archive: address(name) }, root.dateSeconds + 1);
    await expect(pinRepository(ctx, repository(name))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_ROLLBACK' });
  });
});

describe('a repository', () => {
  const workshop = new RpmWorkshop();
  afterAll(() => workshop.close());
  const publish = (name: string, key: RpmKey): { readonly root: string; readonly spec: RepositorySpec; readonly ctx: FakeContext } => {
    const root = workshop.repository(name, [], key);
    return { root, spec: repository(name, { keyrings: [key.keyring] }), ctx: openRepositories([name], workshop.directory) };
  };

  it('is refused when its key had expired when it signed', async () => {
    const key = workshop.key('expiring');
    const { ctx, root, spec } = publish('expired', key);
    await expect(pinRepository(ctx, spec)).resolves.toMatchObject({ signers: [key.fingerprint] });
    workshop.expire(key, '2023-06-01');
    await expect(pinRepository(ctx, spec)).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_EXPIRED_KEY' });
    workshop.signRoot(root, key, ['--faked-system-time', '20230501T000000!']);
    await expect(pinRepository(ctx, spec)).resolves.toMatchObject({ signers: [key.fingerprint] });
  });

  it('changes its key: the old one counts as long as it is there, and signs for nobody when it has gone or had expired', async () => {
    const [old, next] = [workshop.key('retiring'), workshop.key('coming')];
    const { ctx, root, spec } = publish('rotated', old);
    const accepts = (...keys: readonly RpmKey[]): RepositorySpec => ({ ...spec, keyrings: keys.map(({ keyring }) => keyring) });
    const unknown = { code: 'ICT_RPM_REPOMD_UNKNOWN_KEY' };
    const pinned = (key: RpmKey): RepositorySpec => ({ ...accepts(old, next), fingerprints: [key.fingerprint] });
    await expect(pinRepository(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [old.fingerprint] });
    await expect(pinRepository(ctx, accepts(next))).rejects.toMatchObject(unknown);
    const signature = join(root, 'repodata/repomd.xml.asc');
    const before = readFileSync(signature);
    workshop.signRoot(root, next);
    await expect(pinRepository(ctx, accepts(old))).rejects.toMatchObject(unknown);
    await expect(pinRepository(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [next.fingerprint] });
    await expect(pinRepository(ctx, pinned(old))).rejects.toMatchObject(unknown);
    await expect(pinRepository(ctx, pinned(next))).resolves.toMatchObject({ signers: [next.fingerprint] });
    // While both sign, either is enough.
    const binary = (armoured: Buffer): Buffer => execFileSync('gpg', ['--dearmor'], { input: armoured, stdio: ['pipe', 'pipe', 'ignore'] });
    const both = Buffer.concat([binary(before), binary(readFileSync(signature))]);
    writeFileSync(
      signature,
      execFileSync('gpg', ['--enarmor'], { input: both, stdio: ['pipe', 'pipe', 'ignore'] })
        .toString()
        .replaceAll('ARMORED FILE', 'SIGNATURE'),
    );
    for (const key of [old, next]) await expect(pinRepository(ctx, accepts(key))).resolves.toMatchObject({ signers: [key.fingerprint] });
    await expect(pinRepository(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [old.fingerprint, next.fingerprint] });
    // The old key expired before it signed: the new one is good beside it.
    workshop.expire(old, '2023-06-01');
    await expect(pinRepository(ctx, accepts(old))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_EXPIRED_KEY' });
    await expect(pinRepository(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [next.fingerprint] });
  });

  it('is refused when its primary metadata was changed after its root was signed', async () => {
    const { ctx, root, spec } = publish('changed', workshop.key('steady'));
    const pinned = await pinRepository(ctx, spec);
    const primary = join(root, pinned.indexes[0]!.path);
    const bytes = readFileSync(primary);
    for (const changed of [Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]), bytes.subarray(1)]) {
      writeFileSync(primary, changed);
      await expect(loadPackages(pinned, ctx)).rejects.toMatchObject({
        code: 'ICT_RPM_INDEX_MISMATCH',
        message: expect.stringMatching(/^repodata\/.* of repository ".*" is, as fetched.*, not what repomd\.xml says$/) as string,
      });
    }
    writeFileSync(primary, Buffer.concat([bytes, bytes]));
    await expect(loadPackages(pinned, ctx)).rejects.toMatchObject({ kind: 'integrity' });
    writeFileSync(primary, bytes);
    expect((await loadPackages(pinned, ctx)).count).toBe(0);
  });
});

describe('metadata in other forms', () => {
  const workshop = new RpmWorkshop();
  let file: string;
  beforeAll(() => {
    file = workshop.build({ name: 'a', files: { '/opt/a': 'a' } });
  });
  afterAll(() => workshop.close());
  const read = async (name: string, options: readonly string[], change: (repomd: string) => string = (text) => text) => {
    const root = workshop.repository(name, [file], undefined, options);
    const repomd = join(root, 'repodata/repomd.xml');
    writeFileSync(repomd, change(readFileSync(repomd, 'utf8')));
    const ctx = openRepositories([name], workshop.directory);
    const pinned = await pinRepository(ctx, repository(name, { repoGpgCheck: false }));
    return { ctx, pinned, count: (await loadPackages(pinned, ctx)).count };
  };
  const without = (type: string) => (text: string) => text.replace(new RegExp(`<data type="${type}">.*?</data>`, 's'), '');

  it.each(['sha512', 'sha384'] as const)('is read when it has %s checksums only, as openSUSE publishes it', async (algorithm) => {
    const { ctx, pinned, count } = await read(algorithm, ['--checksum', algorithm]);
    expect(count).toBe(1);
    expect(pinned.indexes.map(({ digest, plain }) => [digestAlgorithm(digest), digestAlgorithm(plain!.digest)])).toEqual([
      [algorithm, algorithm],
      [algorithm, algorithm],
      [algorithm, algorithm],
    ]);
    // No primary metadata has this path: the file list, which names packages by their checksums, is asked.
    const distribution = {} as DistributionDefinition;
    const seeds = [{ request: '/opt/a', reason: 'template' }];
    const request = { arch: 'x86_64', distribution, snapshots: [pinned], seeds, essential: false, recommends: false } as const;
    expect(await resolvePinned(request, ctx)).toMatchObject({
      closure: { packages: [{ name: 'a', digest: digestOf(readFileSync(file), algorithm) }] },
    });
    // The cache has the files now, whatever they are called there.
    const seen = ctx.fetch.requests.length;
    for (const type of ['primary', 'filelists']) await readIndex(pinned.repository, indexOf(pinned, type)!, ctx, () => undefined);
    expect(ctx.fetch.requests).toHaveLength(seen);
  });

  it.each(['gz', 'xz', 'bz2', 'zst', 'zck'])('is read of each kind when it is compressed as %s', async (compression) => {
    const groups = join(workshop.directory, 'comps.xml');
    writeFileSync(groups, '<comps><group><id>tools</id><packagelist><packagereq>a</packagereq></packagelist></group></comps>');
    const modules = join(workshop.directory, 'modules.yaml');
    writeFileSync(
      modules,
      '---\ndocument: modulemd\nversion: 2\ndata: { name: m, stream: s, profiles: { p: { rpms: [a] } }, artifacts: { rpms: [a-0:1.0-1.noarch] } }\n',
    );
    const root = workshop.repository(`all-${compression}`, [file], undefined, ['--groupfile', groups]);
    execFileSync('modifyrepo_c', ['--mdtype=modules', '--no-compress', modules, join(root, 'repodata')], { stdio: 'pipe' });
    recompress(root, compression);
    const ctx = openRepositories([`all-${compression}`], workshop.directory);
    const pinned = await pinRepository(ctx, repository(`all-${compression}`, { repoGpgCheck: false }));
    expect(pinned.indexes.map(({ component, path }) => `${component} ${path.replace(/^.*\./, '')}`)).toEqual(
      ['primary', 'filelists', 'group', 'modules', 'other'].map((kind) => `${kind} ${compression}`),
    );
    // Asked by its module, by a file of which only the file list knows, and by its group.
    for (const asked of [['m:s/p'], ['m:s', '/opt/a'], ['m:s', '@tools']]) {
      const distribution = {} as DistributionDefinition;
      const seeds = asked.map((request) => ({ request, reason: 'template' }));
      const request = { arch: 'x86_64', distribution, snapshots: [pinned], seeds, essential: false, recommends: false } as const;
      expect(await resolvePinned(request, ctx)).toMatchObject({ closure: { packages: [{ name: 'a', version: '1.0-1' }] } });
    }
  });

  it.each(['sha512', 'sha384'])('is refused when it is not what its %s checksum says', async (algorithm) => {
    const named = new RegExp(`(<checksum type="${algorithm}">)(.)`, 'g');
    const other = (text: string) => text.replace(named, (_, head: string, digit: string) => `${head}${digit === '0' ? '1' : '0'}`);
    await expect(read(`${algorithm}-other`, ['--checksum', algorithm], other)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
    const open = (text: string) => other(text.replaceAll('<open-checksum', '<checksum').replaceAll('<checksum', '<open-checksum'));
    await expect(read(`${algorithm}-none`, ['--checksum', algorithm], open)).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_INVALID' });
  });

  it('is read beside zchunk, and as zchunk where there is nothing else', async () => {
    const kinds = ({ indexes }: Snapshot) => indexes.map(({ path }) => path.replace(/^.*\./, ''));
    const both = await read('both', ['--zck']);
    expect([both.count, ...kinds(both.pinned)]).toEqual([1, 'gz', 'gz', 'gz']);
    const only = await read('only', ['--zck'], (text) => without('filelists')(without('primary')(text)));
    expect([only.count, ...kinds(only.pinned)]).toEqual([1, 'zck', 'zck', 'gz']);
  });

  it.each(['filelists', 'filelists_zck'])('is not taken for absent when its %s alone is there, and cannot be trusted', async (type) => {
    const others = ['filelists', 'filelists_zck'].filter((each) => each !== type);
    const spoilt = (text: string) => text.replace(new RegExp(`(<data type="${type}">\\s*<checksum type=")sha256`), '$1md5');
    const change = (text: string) => others.reduce((rest, other) => without(other)(rest), spoilt(text));
    await expect(read(`spoilt-${type}`, ['--zck'], change)).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_INVALID' });
  });
});

it.each([
  ['1760000000', '1', 1_760_000_000],
  ['1', '1760000000', 1_760_000_000],
  ['1', '1760000000000', 0],
  ['1760000000000', '1750000000', 1_750_000_000],
])('a repository of revision %s with a file of %s is of %i: what counts in milliseconds says nothing', (revision, timestamp, expected) => {
  const file = `<location href="repodata/p"/><checksum type="sha256">${'0'.repeat(64)}</checksum><size>1</size><timestamp>${timestamp}</timestamp>`;
  const text = `<repomd><revision>${revision}</revision><data type="primary">${file}</data></repomd>`;
  expect(repomdDate(parseRepomd(Buffer.from(text), 'test'))).toBe(expected);
});
