import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { DistributionDefinition, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { digestAlgorithm, digestOf } from '@ict/integrity';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { checkSignature, parseKeyring } from '@ict/verify';
import { endOf } from '../src/metadata/column-writer.js';
import { FilelistsReader } from '../src/metadata/filelists.js';
import { createMetadataSource, loadPackages } from '../src/metadata/metadata.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { indexOf, readIndex } from '../src/metadata/read-index.js';
import { decodePrimary } from '../src/metadata/primary-columns.js';
import { formatRelation } from '../src/relations/relation.js';
import { chooseData, parseRepomd, repomdDate } from '../src/metadata/repomd.js';
import { UpdateinfoReader } from '../src/metadata/updateinfo.js';
import { metadataText, resolvePinned } from './checked-resolution.js';
import { recompress } from './compressed-repository.js';
import { FIXTURES } from './fixture-index.js';

const NOW = Math.floor(Date.now() / 1000) + 3600;
const REPOS = join(FIXTURES, 'repos');
const address = (name: string): string => `http://archive.example/${name}`;

function open(names: readonly string[], directory = REPOS): FakeContext {
  const ctx = fakeContext({
    archives: names.map((name) => directoryArchive(address(name), join(directory, name))),
    nowSeconds: NOW,
    verify: {
      clearsigned: () => Promise.reject(new Error('rpm repositories have none')),
      detached: async (covered, signature, keyrings, { atSeconds = NOW, legacyCrypto = false } = {}) =>
        checkSignature({ covered, signature, keyrings: await Promise.all(keyrings.map(parseKeyring)), atSeconds, legacyCrypto }),
    },
  });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

const KEYS = {
  pgdg: join(REPOS, 'pgdg-rhel8-common/PGDG-RPM-GPG-KEY-RHEL'),
  opensuse: join(REPOS, 'opensuse-obs-zstd/signing-key.asc'),
  virtualbox: join(REPOS, 'opensuse-11.1-virtualbox/repodata/repomd.xml.key'),
  suse: join(REPOS, 'empty-signed/repodata/repomd.xml.key'),
};

const repository = (name: string, options: Partial<RepositorySpec> = {}): RepositorySpec => ({
  id: name,
  archive: address(name),
  suite: '',
  components: [],
  keyrings: [KEYS.pgdg],
  ...options,
});

function pin(ctx: FakeContext, spec: RepositorySpec): Promise<Snapshot> {
  return createMetadataSource().snapshot(spec, 'x86_64', ctx);
}

describe('real repositories', () => {
  it.each([
    ['pgdg-rhel8-common', KEYS.pgdg, 537],
    ['opensuse-obs-zstd', KEYS.opensuse, undefined],
    // Its key expired after it had signed.
    ['empty-signed', KEYS.suse, 0],
  ])('%s is signed, and read whole', async (name, key, count) => {
    const ctx = open([name]);
    const pinned = await pin(ctx, repository(name, { keyrings: [key] }));
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
    const ctx = open([name]);
    await expect(pin(ctx, repository(name))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_UNSIGNED' });
    const pinned = await pin(ctx, repository(name, { repoGpgCheck: false }));
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
    await expect(pin(open([name]), repository(name, options))).rejects.toMatchObject({ code });
  });

  it('are refused when the metadata is not what their root says', async () => {
    const ctx = open(['createrepo_c-repo_01']);
    const pinned = await pin(ctx, repository('createrepo_c-repo_01', { repoGpgCheck: false }));
    const failure = await loadPackages(pinned, ctx).then(
      () => 'read',
      (error: { readonly kind: string }) => error.kind,
    );
    expect(failure).toBe('integrity');
  });

  it('are read once: what was made of them is kept by their digest', async () => {
    const ctx = open(['createrepo_c-repo_02']);
    const pinned = await pin(ctx, repository('createrepo_c-repo_02', { repoGpgCheck: false }));
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
    const ctx = open([name]);
    const { root } = await pin(ctx, repository(name));
    await expect(pin(ctx, repository(name))).resolves.toBeDefined();
    await ctx.memo.set('rpm.newest', { archive: address(name) }, root.dateSeconds + 1);
    await expect(pin(ctx, repository(name))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_ROLLBACK' });
  });
});

describe('a repository', () => {
  const workshop = new RpmWorkshop();
  afterAll(() => workshop.close());
  const publish = (name: string, key: RpmKey): { readonly root: string; readonly spec: RepositorySpec; readonly ctx: FakeContext } => {
    const root = workshop.repository(name, [], key);
    return { root, spec: repository(name, { keyrings: [key.keyring] }), ctx: open([name], workshop.directory) };
  };

  it('is refused when its key had expired when it signed', async () => {
    const key = workshop.key('expiring');
    const { ctx, root, spec } = publish('expired', key);
    await expect(pin(ctx, spec)).resolves.toMatchObject({ signers: [key.fingerprint] });
    workshop.expire(key, '2023-06-01');
    await expect(pin(ctx, spec)).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_EXPIRED_KEY' });
    workshop.signRoot(root, key, ['--faked-system-time', '20230501T000000!']);
    await expect(pin(ctx, spec)).resolves.toMatchObject({ signers: [key.fingerprint] });
  });

  it('changes its key: the old one counts as long as it is there, and signs for nobody when it has gone or had expired', async () => {
    const [old, next] = [workshop.key('retiring'), workshop.key('coming')];
    const { ctx, root, spec } = publish('rotated', old);
    const accepts = (...keys: readonly RpmKey[]): RepositorySpec => ({ ...spec, keyrings: keys.map(({ keyring }) => keyring) });
    const unknown = { code: 'ICT_RPM_REPOMD_UNKNOWN_KEY' };
    const pinned = (key: RpmKey): RepositorySpec => ({ ...accepts(old, next), fingerprints: [key.fingerprint] });
    await expect(pin(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [old.fingerprint] });
    await expect(pin(ctx, accepts(next))).rejects.toMatchObject(unknown);
    const signature = join(root, 'repodata/repomd.xml.asc');
    const before = readFileSync(signature);
    workshop.signRoot(root, next);
    await expect(pin(ctx, accepts(old))).rejects.toMatchObject(unknown);
    await expect(pin(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [next.fingerprint] });
    await expect(pin(ctx, pinned(old))).rejects.toMatchObject(unknown);
    await expect(pin(ctx, pinned(next))).resolves.toMatchObject({ signers: [next.fingerprint] });
    // While both sign, either is enough.
    const binary = (armoured: Buffer): Buffer => execFileSync('gpg', ['--dearmor'], { input: armoured, stdio: ['pipe', 'pipe', 'ignore'] });
    const both = Buffer.concat([binary(before), binary(readFileSync(signature))]);
    writeFileSync(
      signature,
      execFileSync('gpg', ['--enarmor'], { input: both, stdio: ['pipe', 'pipe', 'ignore'] })
        .toString()
        .replaceAll('ARMORED FILE', 'SIGNATURE'),
    );
    for (const key of [old, next]) await expect(pin(ctx, accepts(key))).resolves.toMatchObject({ signers: [key.fingerprint] });
    await expect(pin(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [old.fingerprint, next.fingerprint] });
    // The old key expired before it signed: the new one is good beside it.
    workshop.expire(old, '2023-06-01');
    await expect(pin(ctx, accepts(old))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_EXPIRED_KEY' });
    await expect(pin(ctx, accepts(old, next))).resolves.toMatchObject({ signers: [next.fingerprint] });
  });

  it('is refused when its primary metadata was changed after its root was signed', async () => {
    const { ctx, root, spec } = publish('changed', workshop.key('steady'));
    const pinned = await pin(ctx, spec);
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
    const ctx = open([name], workshop.directory);
    const pinned = await pin(ctx, repository(name, { repoGpgCheck: false }));
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
    const ctx = open([`all-${compression}`], workshop.directory);
    const pinned = await pin(ctx, repository(`all-${compression}`, { repoGpgCheck: false }));
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

describe('malformed metadata', () => {
  const readPrimary = (text: string) => {
    const reader = new PrimaryReader('primary.xml');
    reader.write(Buffer.from(text));
    const index = new PackagesIndex(reader.finish());
    const packages = Array.from({ length: index.count }, (_, at) => ({ ...index.record(at, 'test'), ...index.words(at) }));
    return { packages, diagnostics: index.diagnostics, count: index.count };
  };
  const malformed = (name: string): string => readFileSync(join(FIXTURES, 'malformed', name), 'utf8');

  it('of primary: ampersands are read as they are meant', () => {
    const { packages } = readPrimary(malformed('repo_01_ampersand-primary.xml'));
    expect(packages[0]).toMatchObject({ name: 'super_kernel', summary: 'Tes&t package', path: 'super_kernel&-6.0.1-2.x86_64.rpm' });
    expect(() => readPrimary(malformed('repo_01_ampersand-primary.xml').replace('&amp;', '&'))).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }),
    );
  });

  it('of primary: a package without a checksum is left out', () => {
    const { packages, diagnostics } = readPrimary(malformed('error_00-primary.xml'));
    expect(diagnostics.map(({ package: name }) => name)).toContain('fake_bash');
    expect(packages.map(({ name }) => name)).not.toContain('fake_bash');
  });

  it('of primary: of a package that is listed twice the first counts, and another content is told', () => {
    const entry = (version: string, digit: string, arch = 'noarch'): string =>
      `<package type="rpm"><name>twin</name><arch>${arch}</arch><version epoch="0" ver="${version}" rel="1"/><checksum type="sha256" pkgid="YES">${digit.repeat(64)}</checksum><size package="1" installed="1"/><location href="${digit}.rpm"/><format/></package>`;
    const text = [entry('1', 'a'), entry('2', 'b'), entry('1', 'a'), entry('1', 'c'), entry('1', 'd', 'x86_64')].join('');
    const { packages, diagnostics } = readPrimary(`<metadata xmlns="x" xmlns:rpm="rpm">${text}</metadata>`);
    expect(packages.map(({ path }) => path)).toEqual(['a.rpm', 'b.rpm', 'd.rpm']);
    expect(diagnostics).toEqual([
      { package: 'twin', reason: 'it is listed twice in one version, with different checksums; the first counts' },
    ]);
  });

  it('of primary: what is left out is named with repository, file and reason, and the rest can be used', async () => {
    const ctx = open([]);
    const entry = (name: string, { version = '1', checksum = 'a', href = 'a.rpm', size = 1 } = {}): string =>
      `<package type="rpm"><name>${name}</name><arch>noarch</arch><version epoch="0" ver="${version}" rel="1"/><checksum type="sha256" pkgid="YES">${checksum.repeat(64)}</checksum><size package="${size}" installed="1"/><location href="${href}"/><format/></package>`;
    const odd = [entry('out', { href: '../out.rpm' }), entry('empty', { size: 0 }), entry('twin', { checksum: 'b' }), entry('half', { version: '' })]; // prettier-ignore
    const many = Array.from({ length: 3 }, (_, at) => entry(`sum${at}`, { checksum: 'x' }));
    const text = [entry('sound'), entry('twin'), ...odd, ...many].join('');
    const { digest, sizeBytes } = await ctx.blobs.putBytes(Buffer.from(`<metadata xmlns="x" xmlns:rpm="rpm">${text}</metadata>`));
    const root = { path: 'repodata/repomd.xml', digest, sizeBytes, dateSeconds: NOW };
    const indexes = [{ path: 'repodata/primary.xml', digest, sizeBytes, component: 'primary' }];
    const index = await loadPackages({ repository: repository('odd'), root, signers: [], indexes }, ctx);
    expect([index.count, index.name(0), index.name(1)]).toEqual([2, 'sound', 'twin']);
    const warnings = ctx.events.flatMap((event) => (event.type === 'warning' ? [event.code, ...event.message.split('\n')] : []));
    expect(warnings).toEqual([
      'ICT_RPM_INDEX_INVALID',
      '7 packages of repository "odd" left out:',
      '  repodata/primary.xml: out: it lies outside the repository',
      '  repodata/primary.xml: empty: it has no proper size',
      '  repodata/primary.xml: twin: it is listed twice in one version, with different checksums; the first counts',
      '  repodata/primary.xml: half: it has no proper version',
      '  repodata/primary.xml: sum0: it has no checksum of SHA-2',
      '  and 2 more',
    ]);
  });

  it.each(['unknown_element_00', 'unknown_element_01', 'unknown_element_02', 'multiple_warnings_00'])(
    'of primary: %s gives what can be used',
    (name) => {
      const { count, diagnostics } = readPrimary(malformed(`${name}-primary.xml`));
      expect(count + diagnostics.length).toBeGreaterThan(0);
      expect(diagnostics.every(({ reason }) => reason !== '')).toBe(true);
    },
  );

  it.each(readdirSync(join(FIXTURES, 'malformed')).filter((name) => name.endsWith('filelists.xml')))(
    'of file lists: %s gives every path that it has',
    (name) => {
      const text = malformed(name);
      const paths = new Set([...text.matchAll(/<file[^>]*>([^<]+)<\/file>/g)].map(([, path]) => path!.replaceAll('&amp;', '&')));
      expect(paths.size).toBeGreaterThan(0);
      const reader = new FilelistsReader(name, paths);
      reader.write(Buffer.from(text));
      expect(new Set(reader.finish().map(({ path }) => path))).toEqual(paths);
      const cut = new FilelistsReader(name, paths);
      cut.write(Buffer.from(text.slice(0, -20)));
      expect(() => cut.finish()).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }));
    },
  );

  it('of primary: a document of many packages is read whole', () => {
    const { count, diagnostics } = readPrimary(malformed('long_primary.xml'));
    expect(count + diagnostics.length).toBe(malformed('long_primary.xml').match(/<package /g)!.length);
  });

  it('of advisories: ampersands are read as they are meant', () => {
    const read = (text: string) => {
      const reader = new UpdateinfoReader('updateinfo.xml');
      reader.write(Buffer.from(text));
      const { bytes, advisories } = reader.finish();
      return Buffer.from(bytes).toString('utf8', advisories[0], endOf(bytes, advisories[0]!));
    };
    expect(read(malformed('updateinfo_ampersand.xml'))).toBe('foobarupd&ate_1');
    expect(() => read(malformed('updateinfo_ampersand.xml').replace('&amp;', '&'))).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }),
    );
  });

  it('of repomd: a file without a type is refused', () => {
    const bytes = readFileSync(join(FIXTURES, 'malformed/missing_type-repomd.xml'));
    expect(() => parseRepomd(bytes, 'test')).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }));
  });

  it.each([
    ['outside of the repository', 'href="../../../etc/passwd"'],
    ['outside of the repository as addresses can say it', 'href="repodata/%2E./.%2e/passwd"'],
    ['outside of the repository without what addresses leave out', 'href="repodata/.&#9;./.&#9;./passwd"'],
    ['an absolute path', 'href="/etc/passwd"'],
    ['another server', 'href="https://other.example/primary.xml.gz"'],
  ])('of repomd: a file of %s is refused', (_what, href) => {
    const sum = 'a'.repeat(64);
    const text = `<repomd><data type="primary"><checksum type="sha256">${sum}</checksum><size>5</size><location ${href}/></data></repomd>`;
    expect(() => parseRepomd(Buffer.from(text), 'test')).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }));
  });

  const listed = ({ type = 'primary', kind = 'sha256', place = 'href="p"', size = '<size>5</size>', sum = 'a'.repeat(64) } = {}) =>
    `<data type="${type}"><checksum type="${kind}">${sum}</checksum>${size}<location ${place}/></data>`;
  it.each([
    ['it lists no primary metadata', listed({ type: 'primary_db' })],
    ['it lists its primary by a checksum of kind "sha", and only those of SHA-2 count', listed({ kind: 'sha' })],
    [
      'it lists its primary as lying elsewhere (xml:base), at "file:///b", which is no whole address of http or https',
      listed({ place: 'xml:base="file:///b" href="p"' }),
    ],
    [
      'it lists its primary as lying elsewhere (xml:base), at an address with a user name or password',
      listed({ place: 'xml:base="http://u:p@b" href="p"' }),
    ],
    ['it lists its filelists without a size', listed() + listed({ type: 'filelists', size: '' })],
    ['it lists its modules without a place', listed() + listed({ type: 'modules', place: '' })],
    ['it lists its group without a checksum', `${listed()}<data type="group"><location href="p"/><size>5</size></data>`],
    ['it lists its primary without a size', listed({ size: '' }) + listed({ size: '' })],
  ])('of repomd is refused with what is wrong: %s', (reason, data) => {
    const read = () => chooseData(parseRepomd(Buffer.from(`<repomd>${data}</repomd>`), 'test'), repository('test'));
    expect(read).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID', facts: { repository: 'test', reason } }));
  });

  it('of repomd, files that lie elsewhere: their address is that of a directory, and they stay below it', () => {
    const place = 'xml:base="http://B.test/os/" href="p"';
    const repomd = parseRepomd(
      Buffer.from(`<repomd>${listed({ place })}${listed({ type: 'group', place: 'xml:base="" href="g"' })}</repomd>`),
      'test',
    );
    const [primary, group] = chooseData(repomd, repository('test'));
    expect([primary, group]).toMatchObject([{ archive: 'http://b.test/os', path: 'p' }, { path: 'g' }]);
    expect(group).not.toHaveProperty('archive');
    const climbing = listed({ place: place.replace('"p"', '"../p"') });
    expect(() => parseRepomd(Buffer.from(`<repomd>${climbing}</repomd>`), 'test')).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }),
    );
  });

  it('of repomd, several files of modules: all are read, since each hides packages', () => {
    const choose = (data: string) =>
      chooseData(parseRepomd(Buffer.from(`<repomd>${listed()}${data}</repomd>`), 'test'), repository('test'));
    const modules = (options: Parameters<typeof listed>[0] = {}) => listed({ type: 'modules', ...options });
    const other = { place: 'href="q"', sum: 'b'.repeat(64) };
    const chosen = choose(
      modules() + modules(other) + modules({ place: 'href="r"' }) + modules({ ...other, type: 'modules_zck', sum: 'c'.repeat(64) }),
    );
    expect(chosen.map(({ component, path }) => `${component} ${path}`)).toEqual(['primary p', 'modules p', 'modules q']);
    expect(() => choose(modules() + modules({ kind: 'md5' }))).toThrow(
      expect.objectContaining({
        facts: { repository: 'test', reason: expect.stringMatching(/^it lists its modules by a checksum/) as string },
      }),
    );
  });

  const OTHER = { place: 'href="q"', sum: 'b'.repeat(64) };
  it.each([
    ['equal files are one', listed() + listed(), 'p', []],
    ['equal files of other names are one', listed() + listed({ place: 'href="q"' }), 'p', []],
    ['of different files the first counts', listed() + listed(OTHER), 'p', ['primary']],
    ['of different files the first counts, wherever it lies', listed(OTHER) + listed(), 'q', ['primary']],
    ['files of different sizes are different', listed() + listed({ size: '<size>6</size>' }), 'p', ['primary']],
    ['of several files the first that can be trusted counts', listed({ ...OTHER, kind: 'sha' }) + listed(), 'p', ['primary']],
    ['of three files one may differ', listed() + listed() + listed(OTHER), 'p', ['primary']],
    ['what nobody reads may be there twice', listed() + listed({ type: 'x' }) + listed({ ...OTHER, type: 'x' }), 'p', ['x']],
  ])('of repomd, files of one type: %s', (_what, data, path, ambiguous) => {
    const repomd = parseRepomd(Buffer.from(`<repomd>${data}</repomd>`), 'test');
    expect(chooseData(repomd, repository('test'))).toEqual([expect.objectContaining({ path, component: 'primary' })]);
    expect(repomd.ambiguous).toEqual(ambiguous);
  });

  it('of repomd, files of one type: those that are read are told of, and the repository is used', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-repomd-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    cpSync(join(REPOS, 'createrepo_c-repo_02'), join(directory, 'again'), { recursive: true });
    const file = join(directory, 'again/repodata/repomd.xml');
    const text = readFileSync(file, 'utf8');
    const entry = (type: string): string => new RegExp(`<data type="${type}">.*?</data>`, 's').exec(text)![0];
    const larger = (type: string): string => entry(type).replace(/<size>/, '$&1');
    const unread = [entry('other'), larger('other')].map((each) => each.replace('"other"', '"prestodelta"'));
    const doubled = [entry('primary'), larger('filelists'), ...unread].join('');
    writeFileSync(file, text.replace('</repomd>', `${doubled}</repomd>`));
    const ctx = open(['again'], directory);
    const pinned = await pin(ctx, repository('again', { repoGpgCheck: false }));
    const path = indexOf(pinned, 'filelists')!.path;
    expect(ctx.events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({
        code: 'ICT_RPM_REPOMD_INVALID',
        message: `repomd.xml of repository "again" lists several files as its filelists: the first that can be trusted, ${path}, counts`,
      }),
    ]);
    expect((await loadPackages(pinned, ctx)).count).toBe(2);
  });

  it('of a package is told as far as it goes: texts of several lines, relations of odd versions', () => {
    const entry = (attributes: string): string => `<rpm:entry name="a" ${attributes}/>`;
    const entries = [
      entry(''),
      entry('flags="GE" epoch="0" ver="1" rel="2"'),
      entry('flags="GE" ver="1" rel="2"'),
      entry('flags="LT" epoch="x" ver="1"'),
      entry('flags="NE" ver="1"'),
      entry('flags="EQ" ver=""'),
      entry('flags="GT" epoch="3" ver="1" rel=""'),
    ];
    const text = `<metadata><package type="rpm"><name>good</name><arch>noarch</arch><version epoch="2" ver="1" rel="1"/>
<checksum type="sha256" pkgid="YES">${'b'.repeat(64)}</checksum><summary> one
two </summary><size package="5" installed="0"/><location href="a.rpm"/><format><rpm:requires>${entries.join('')}</rpm:requires>
<file>/a</file><file>/b
c</file></format></package></metadata>`;
    const reader = new PrimaryReader('primary.xml');
    for (const byte of Buffer.from(text)) reader.write(Buffer.from([byte]));
    const index = new PackagesIndex(reader.finish());
    expect(index.words(0).summary).toBe('one two');
    expect(index.record(0, 'test')).toMatchObject({ version: '2:1-1', sizeBytes: 5, installedSizeBytes: 0 });
    const { files, relations } = index.package(0);
    expect(files).toEqual(['/a']);
    expect(relations.requires?.map(formatRelation)).toEqual(['a', 'a >= 1-2', 'a >= 1-2', 'a < 1', 'a', 'a', 'a > 3:1']);
    expect(relations.requires![1]).toBe(relations.requires![2]);
  });

  it('of a package leaves that package out', () => {
    const pkg = (name: string, href: string) =>
      `<package type="rpm"><name>${name}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256" pkgid="YES">${'b'.repeat(64)}</checksum><size package="5" installed="6" archive="7"/><location href="${href}"/><format/></package>`;
    const { packages, diagnostics } = readPrimary(
      `<metadata>${pkg('good', 'good.rpm')}${pkg('bad', '../bad.rpm')}${pkg('wo rse', 'c.rpm')}</metadata>`,
    );
    expect(packages.map(({ name }) => name)).toEqual(['good']);
    expect(diagnostics.map(({ package: name }) => name)).toEqual(['bad', 'wo rse']);
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
