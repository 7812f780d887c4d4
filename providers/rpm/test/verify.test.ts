import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { Context, IctError, RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { createVerifier } from '@ict/verify';
import { formatEvr } from '../src/relations/evr.js';
import { readRpm } from '../src/package/package.js';
import { TAG } from '../src/package/tags.js';
import { createPackageVerifier } from '../src/trust/verify.js';
import { FIXTURES, fixtureRows } from './fixture-index.js';

const NOW = Math.floor(Date.now() / 1000) + 3600;

/** The real worker pool: what a build checks packages with. */
const verifier = createVerifier({ workers: 1, clock: () => NOW });
afterAll(() => verifier.close());
const ctx = { signal: new AbortController().signal, clock: () => NOW, verify: verifier } as unknown as Context;

/** All keys of the fixtures. */
function keyrings(): string[] {
  return (readdirSync(FIXTURES, { recursive: true }) as string[])
    .filter((name) => /RPM-GPG-KEY|\.pub$|testkey.*\.asc$/.test(name))
    .map((name) => join(FIXTURES, name));
}

const repository = (options: Partial<RepositorySpec> = {}): RepositorySpec => ({
  id: 'fixtures',
  archive: 'http://archive.example',
  suite: '',
  components: [],
  keyrings: keyrings(),
  ...options,
});

/** Ids of all keys of the fixtures, as gpg reads them, in lower case. */
function keyIds(): ReadonlySet<string> {
  const home = mkdtempSync(join(tmpdir(), 'ict-rpm-gpg-'));
  afterAll(() => rmSync(home, { recursive: true }));
  const listed = keyrings().map((keyring) =>
    execFileSync('gpg', ['--homedir', home, '--with-colons', '--show-keys', keyring], { stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  return new Set(
    listed.flatMap((text) => Array.from(text.toString().matchAll(/^(?:pub|sub):(?:[^:]*:){3}([^:]+):/gm), ([, id]) => id!.toLowerCase())),
  );
}

/** @returns undefined for a good package. */
async function refused(
  file: string,
  options: Partial<RepositorySpec> = {},
  changes: Partial<ResolvedPackage> = {},
): Promise<Pick<IctError, 'code' | 'message' | 'facts'> | undefined> {
  const { name, evr, arch } = await readRpm(file);
  const expected = { name, version: formatEvr(evr), arch, id: `${name}:${arch}`, repository: 'fixtures', path: file, ...changes };
  return createPackageVerifier()
    .verify(file, expected as ResolvedPackage, repository(options), ctx)
    .then(
      () => undefined,
      (error: IctError) => error,
    );
}

/** @returns `good`, or the code of what is wrong. */
async function verdict(file: string, options: Partial<RepositorySpec> = {}, changes: Partial<ResolvedPackage> = {}): Promise<string> {
  return (await refused(file, options, changes))?.code ?? 'good';
}

/**
 * Where our verdict differs from that of rpm 4.18, and why:
 * it cannot read ECDSA keys.
 */
const MORE_THAN_RPM = ['packages/rpm-rs/v4/signed/rpm-basic-with-ecdsa-2.3.4-5.el9.noarch.rpm'];

it('every package of the list is here', () => {
  expect(fixtureRows()).toHaveLength(readFileSync(join(FIXTURES, 'INDEX.tsv'), 'utf8').trim().split('\n').length - 1);
});

describe('the verdict on real packages', () => {
  const known = keyIds();

  it.each(fixtureRows())('$path: $verdict', async ({ path, signatures, verdict: expected }) => {
    const signers = Array.from(signatures.matchAll(/Key ID (\w+)/g), ([, id]) => id!);
    const ours = await verdict(join(FIXTURES, path));
    if (expected.includes('DIGESTS')) expect(ours).toBe('ICT_RPM_PACKAGE_DIGEST');
    else if (MORE_THAN_RPM.includes(path)) expect(ours).toBe('good');
    else if (expected.includes('SIGNATURES NOT OK'))
      expect(ours).toBe(signers.some((id) => known.has(id)) ? 'ICT_RPM_PACKAGE_SIGNATURE' : 'ICT_RPM_PACKAGE_UNKNOWN_KEY');
    else if (expected === 'digests OK') expect(ours).toBe('ICT_RPM_PACKAGE_UNSIGNED');
    else expect(ours).toBe('good');
  });

  const unsigned = fixtureRows().filter(({ verdict: expected }) => expected === 'digests OK');

  it.each(unsigned)(
    '$path is accepted without a signature where the repository says so, unless MD5 is all that it has',
    async ({ path }) => {
      const file = join(FIXTURES, path);
      const { header } = await readRpm(file);
      const strong = header.has(TAG.PAYLOADDIGEST);
      expect(await verdict(file, { gpgCheck: false })).toBe(strong ? 'good' : 'ICT_RPM_PACKAGE_WEAK');
      expect(await verdict(file, { gpgCheck: false, legacyCrypto: true })).toBe('good');
    },
  );

  it('some of which have MD5 alone, some SHA-256', async () => {
    const strong = await Promise.all(unsigned.map(async ({ path }) => (await readRpm(join(FIXTURES, path))).header.has(TAG.PAYLOADDIGEST)));
    expect([true, false].map((each) => strong.filter((has) => has === each).length)).toEqual([22, 11]);
  });

  it('names the repository of one that has MD5 alone', async () => {
    const file = join(FIXTURES, 'packages/rpm-upstream/hello-1.0-1.x86_64.rpm-v3');
    const refusal = await refused(file, { id: 'vendor', gpgCheck: false });
    expect(refusal).toMatchObject({ code: 'ICT_RPM_PACKAGE_WEAK', facts: { repository: 'vendor', algorithm: 'md5' } });
    expect(refusal?.message).toContain('of repository "vendor" has no digest of its content but MD5');
  });

  it('by MD5 alone is that of MD5 where it counts', async () => {
    const file = join(FIXTURES, 'packages/rpm-upstream/hello-1.0-1.x86_64.rpm-v3');
    const damaged = join(mkdtempSync(join(tmpdir(), 'ict-rpm-md5-')), 'damaged.rpm');
    onTestFinished(() => rmSync(dirname(damaged), { recursive: true }));
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(damaged, bytes);
    expect(await verdict(damaged, { gpgCheck: false, legacyCrypto: true })).toBe('ICT_RPM_PACKAGE_DIGEST');
  });

  it('accepts DSA with SHA-1 only where the repository says so', async () => {
    const file = join(FIXTURES, 'packages/centos-historic/centos-release-5-0.0.el5.centos.2.i386.rpm');
    expect(await verdict(file)).toBe('ICT_RPM_PACKAGE_SIGNATURE');
    expect(await verdict(file, { legacyCrypto: true })).toBe('good');
  });
});

it('the rules of a repository are all that a verdict depends on, and no names of files', () => {
  const { rules } = createPackageVerifier() as Required<ReturnType<typeof createPackageVerifier>>;
  const [first, ...others] = keyrings() as [string, ...string[]];
  const variants: Partial<RepositorySpec>[] = [
    {},
    { gpgCheck: false },
    { legacyCrypto: true },
    { gpgCheck: false, legacyCrypto: true },
    { fingerprints: ['6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5'] },
    { keyrings: others },
  ];
  expect(new Set(variants.map((options) => JSON.stringify(rules(repository(options))))).size).toBe(variants.length);
  const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-rules-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  copyFileSync(first, join(directory, 'copy'));
  expect(rules(repository({ keyrings: [join(directory, 'copy')], id: 'other' }))).toEqual(rules(repository({ keyrings: [first] })));
});

describe('a key', () => {
  const file = join(FIXTURES, 'packages/centos-historic/epel-release-7-5.noarch.rpm');
  const own = '6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5';

  it('accepts only what its repository has', async () => {
    const others = keyrings().filter((keyring) => !keyring.endsWith('CentOS-7'));
    expect(others.length).toBeGreaterThan(5);
    expect(await verdict(file, { keyrings: others })).toBe('ICT_RPM_PACKAGE_UNKNOWN_KEY');
  });

  it('that is foreign is named, as are those that are accepted', async () => {
    const [keyring, fingerprint] = [
      join(FIXTURES, 'packages/rpm-upstream/keys/rpm.org-rsa-2048-test.pub'),
      '771B18D3D7BAA28734333C424344591E1964C5FC',
    ];
    const error = await refused(file, { keyrings: [keyring] });
    expect(error).toMatchObject({ code: 'ICT_RPM_PACKAGE_UNKNOWN_KEY', facts: { issuers: ['24C6A8A7F4A80EB5'], accepted: [fingerprint] } });
    expect(error!.message).toMatch(new RegExp(`made by key 24C6A8A7F4A80EB5, and the repository accepts ${fingerprint} only$`));
    const pinned = await refused(file, { fingerprints: ['f'.repeat(40)] });
    expect(pinned!.message).toMatch(new RegExp(`made by key ${own}, and the repository accepts F{40} only$`));
  });

  it('that no keyring holds, because a keyring cannot be read, is told with that', async () => {
    const error = await refused(file, { keyrings: [join(FIXTURES, 'README.md')] });
    expect(error).toMatchObject({ code: 'ICT_RPM_PACKAGE_UNKNOWN_KEY', facts: { accepted: [] } });
    expect(error!.message).toMatch(/and the keyrings of the repository hold no such key; a keyring holds no OpenPGP public key$/);
  });

  it('counts only when it is pinned, where keys are', async () => {
    expect(await verdict(file, { fingerprints: [own] })).toBe('good');
    expect(await verdict(file, { fingerprints: [own.toLowerCase().replace(/(.{4})/g, '$1 ')] })).toBe('good');
    expect(await verdict(file, { fingerprints: ['F'.repeat(40)] })).toBe('ICT_RPM_PACKAGE_UNKNOWN_KEY');
    for (const keyrings of [[], ['/dev/zero']]) expect(await verdict(file, { keyrings })).toBe('ICT_RPM_KEYRING_UNREADABLE');
  });
});

describe('a package', () => {
  const workshop = new RpmWorkshop();
  let key: RpmKey;
  let signed: string;
  beforeAll(() => {
    key = workshop.key('own');
    signed = workshop.build({ name: 'sample', epoch: 1, files: { '/usr/share/sample': 'x'.repeat(5000) } });
    workshop.sign([signed], key);
  });
  afterAll(() => workshop.close());
  const changed = (change: (bytes: Buffer) => void): string => {
    const file = join(workshop.directory, 'changed.rpm');
    copyFileSync(signed, file);
    const bytes = readFileSync(file);
    change(bytes);
    writeFileSync(file, bytes);
    return file;
  };

  it('is good as it was signed', async () => {
    expect(await verdict(signed, { keyrings: [key.keyring] })).toBe('good');
    expect(await verdict(signed, { keyrings: [key.keyring], repoGpgCheck: false })).toBe('good');
  });

  it('is refused when its key had expired before it signed', async () => {
    const expiring = workshop.key('expiring');
    const late = workshop.build({ name: 'late' });
    workshop.sign([late], expiring);
    expect(await verdict(late, { keyrings: [expiring.keyring] })).toBe('good');
    workshop.expire(expiring, '2023-06-01');
    const error = await refused(late, { keyrings: [expiring.keyring] });
    expect(error).toMatchObject({ code: 'ICT_RPM_PACKAGE_EXPIRED_KEY', facts: { accepted: [expiring.fingerprint] } });
    // Somebody else's key would not do, either, and that is another matter.
    expect(await verdict(late, { keyrings: [key.keyring] })).toBe('ICT_RPM_PACKAGE_UNKNOWN_KEY');
  });

  it('is good for ever when its key expired after it had signed', async () => {
    const aging = workshop.key('aging');
    const early = workshop.build({ name: 'early' });
    workshop.sign([early], aging, ['--faked-system-time', '20230501T000000!']);
    workshop.expire(aging, '2023-06-01');
    expect(await verdict(early, { keyrings: [aging.keyring] })).toBe('good');
  });

  it('is good by an old key and by a new one while a repository has both, and by the new one alone afterwards', async () => {
    const next = workshop.key('next');
    const later = workshop.build({ name: 'later' });
    workshop.sign([later], next);
    const both = [key.keyring, next.keyring];
    const verdicts = async (options: Partial<RepositorySpec>) => [await verdict(signed, options), await verdict(later, options)];
    expect(await verdicts({ keyrings: both })).toEqual(['good', 'good']);
    expect(await verdicts({ keyrings: [next.keyring] })).toEqual(['ICT_RPM_PACKAGE_UNKNOWN_KEY', 'good']);
    expect(await verdicts({ keyrings: both, fingerprints: [next.fingerprint] })).toEqual(['ICT_RPM_PACKAGE_UNKNOWN_KEY', 'good']);
    expect(await verdicts({ keyrings: both, fingerprints: [key.fingerprint, next.fingerprint] })).toEqual(['good', 'good']);
  });

  it.each([
    ['another name', { name: 'other' }],
    ['another version', { version: '1:1.0-2' }],
    ['no epoch', { version: '1.0-1' }],
    ['another architecture', { arch: 'x86_64' }],
  ])('is refused where the metadata says %s', async (_what, changes) => {
    expect(await verdict(signed, { keyrings: [key.keyring] }, changes)).toBe('ICT_RPM_PACKAGE_REPLACED');
  });

  it('is refused with one byte of its payload changed', async () => {
    expect(await verdict(changed((bytes) => void (bytes[bytes.length - 3]! ^= 1)))).toBe('ICT_RPM_PACKAGE_DIGEST');
  });

  it('is refused when its header was changed and given new digests', async () => {
    const { headerRange } = await readRpm(signed);
    const file = changed((bytes) => {
      const at = bytes.indexOf('Generated for tests', headerRange.offset);
      bytes.write('Replaced', at);
      const header = bytes.subarray(headerRange.offset, headerRange.offset + headerRange.sizeBytes);
      for (const [algorithm, digits] of [
        ['sha256', 64],
        ['sha1', 40],
      ] as const) {
        // prettier-ignore
        const old = createHash(algorithm).update(readFileSync(signed).subarray(headerRange.offset, headerRange.offset + headerRange.sizeBytes));
        const place = bytes.indexOf(old.digest('hex'));
        if (place >= 0) bytes.write(createHash(algorithm).update(header).digest('hex'), place, digits, 'latin1');
      }
    });
    expect(await verdict(file, { keyrings: [key.keyring] })).toBe('ICT_RPM_PACKAGE_SIGNATURE');
  });
});
