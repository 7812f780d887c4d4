import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigningKey, encodeRpm, headerDigest, RpmWorkshop, type HeaderValue } from '@ict/fixtures';
import type { RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { directoryArchive, fakeContext } from '@ict/plugin-testkit';
import { createVerifier } from '@ict/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetadataSource } from '../src/metadata/metadata.js';
import { SIGNATURE_TAG } from '../src/package/tags.js';
import { createPackageVerifier } from '../src/trust/verify.js';

const NOW = Math.floor(Date.now() / 1000) + 3600;
const ARCHIVE = 'http://archive.example/signed';

/** What a signature is worth here: always, with `legacyCrypto` alone, or never. */
type Worth = 'good' | 'legacy' | 'refused';

/** Which rpm of Debian finds a package good: 4.18 judges by code of its own, 4.20 by Sequoia's, whose policy refuses what is weak. */
type Accepting = 'both' | '4.18' | '4.20' | 'neither';

/**
 * Keys of GnuPG and digests, what a signature by them is worth here, and whether rpm finds it good in a package and gpgv beside metadata.
 * rpm 4.18 cannot read keys of ECDSA, and judges no weak signature without a policy of its system. gpgv refuses MD5 alone.
 */
const BY_GNUPG: readonly (readonly [key: string, digest: string, worth: Worth, rpm: Accepting, gpgv: boolean])[] = [
  ['rsa2048', 'SHA256', 'good', 'both', true],
  ['rsa2048', 'SHA384', 'good', 'both', true],
  ['rsa2048', 'SHA512', 'good', 'both', true],
  ['rsa2048', 'SHA224', 'good', 'both', true],
  ['rsa3072', 'SHA256', 'good', 'both', true],
  ['rsa4096', 'SHA512', 'good', 'both', true],
  ['ed25519', 'SHA256', 'good', 'both', true],
  ['ed25519', 'SHA512', 'good', 'both', true],
  ['nistp256', 'SHA256', 'good', '4.20', true],
  ['nistp384', 'SHA384', 'good', '4.20', true],
  ['nistp521', 'SHA512', 'good', '4.20', true],
  ['rsa1024', 'SHA256', 'legacy', '4.18', true],
  ['dsa1024', 'SHA256', 'legacy', '4.18', true],
  ['dsa1024', 'SHA1', 'legacy', '4.18', true],
  ['dsa2048', 'SHA256', 'legacy', 'both', true],
  ['rsa2048', 'SHA1', 'legacy', '4.18', true],
  ['rsa4096', 'SHA1', 'legacy', '4.18', true],
  ['rsa2048', 'RIPEMD160', 'legacy', 'neither', true],
  ['rsa2048', 'MD5', 'legacy', '4.18', false],
  // RFC 9580 forbids EdDSA with digests of less than 256 bits, whoever trusts them.
  ['ed25519', 'SHA1', 'refused', '4.18', true],
  ['brainpoolP256r1', 'SHA256', 'refused', 'neither', true],
  ['secp256k1', 'SHA256', 'refused', 'neither', true],
];

/** Keys of RFC 9580, which neither GnuPG nor rpm 4.18 knows. */
const BY_OPENPGP = ['ed25519', 'ed448'] as const;

const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-signature-kinds-'));
const workshop = new RpmWorkshop();
const verifier = createVerifier({ workers: 1, clock: () => NOW });
let repomd: Buffer;
beforeAll(() => {
  repomd = readFileSync(join(workshop.repository('root', []), 'repodata/repomd.xml'));
});
afterAll(async () => {
  await verifier.close();
  workshop.close();
  rmSync(directory, { recursive: true });
});

/** Signs bytes. @returns the signature, binary. */
type Signer = (bytes: Uint8Array) => Promise<Uint8Array>;

function gnupgSigner(home: string, digest: string): Signer {
  return async (bytes) => {
    const args = ['--homedir', home, '--batch', '--quiet', '--digest-algo', digest, '--output', '-', '--detach-sign'];
    return execFileSync('gpg', args, { input: bytes, stdio: ['pipe', 'pipe', 'ignore'] });
  };
}

/** A package whose header is signed. @param tag where rpm has signatures of the key's algorithm. @returns its path. */
async function signedPackage(name: string, tag: number, sign: Signer): Promise<string> {
  const payload = Buffer.from('payload');
  let header: Uint8Array = new Uint8Array(0);
  const signatures = (of: Buffer): Readonly<Record<number, HeaderValue>> => {
    header = of;
    return {};
  };
  encodeRpm({ payload, sign: signatures });
  const bytes = await sign(header);
  const file = join(directory, `${name}.rpm`);
  writeFileSync(file, encodeRpm({ payload, sign: (of) => ({ ...headerDigest(of), [tag]: { bytes } }) }));
  return file;
}

const tagOf = (key: string): number => (key.startsWith('rsa') ? SIGNATURE_TAG.RSA : SIGNATURE_TAG.DSA);

function spec(keyring: string, legacyCrypto: boolean): RepositorySpec {
  return { id: 'signed', archive: ARCHIVE, suite: '', components: [], keyrings: [keyring], legacyCrypto };
}

const codeOf = async (what: Promise<unknown>): Promise<string> =>
  what.then(
    () => 'good',
    (error: { readonly code: string }) => error.code,
  );

async function packageVerdict(file: string, repository: RepositorySpec): Promise<string> {
  await using ctx = fakeContext({ nowSeconds: NOW, verify: verifier });
  const expected = { id: 'made:noarch', name: 'made', version: '1-1', arch: 'noarch', repository: 'signed' } as ResolvedPackage;
  return await codeOf(createPackageVerifier().verify(file, expected, repository, ctx));
}

async function repositoryVerdict(signature: Uint8Array, repository: RepositorySpec): Promise<string> {
  const root = mkdtempSync(join(directory, 'repository-'));
  mkdirSync(join(root, 'repodata'));
  writeFileSync(join(root, 'repodata/repomd.xml'), repomd);
  writeFileSync(join(root, 'repodata/repomd.xml.asc'), signature);
  await using ctx = fakeContext({ archives: [directoryArchive(ARCHIVE, root)], nowSeconds: NOW, verify: verifier });
  return await codeOf(createMetadataSource().snapshot(repository, 'x86_64', ctx));
}

/** Our verdicts without and with `legacyCrypto`, by what a signature is worth. */
const verdicts = (worth: Worth, refusal: string): readonly [string, string] => [
  worth === 'good' ? 'good' : refusal,
  worth === 'refused' ? refusal : 'good',
];

describe.each(BY_GNUPG)('a signature by a key of %s with %s (%s)', (algorithm, digest, worth, rpm, gpgv) => {
  const name = `${algorithm}-${digest}`;
  let keyring: string;
  let sign: Signer;
  beforeAll(() => {
    const key = workshop.key(name, algorithm);
    keyring = key.keyring;
    sign = gnupgSigner(key.home, digest);
  });

  it('of a package', async () => {
    const file = await signedPackage(name, tagOf(algorithm), sign);
    const ours = [false, true].map((legacy) => packageVerdict(file, spec(keyring, legacy)));
    expect(await Promise.all(ours)).toEqual(verdicts(worth, 'ICT_RPM_PACKAGE_SIGNATURE'));
    expect(rpmAccepts(file, keyring)).toBe(rpm === 'both' || rpm === rpmOfHost());
  });

  it('of a repository', async () => {
    const signature = await sign(repomd);
    const ours = [false, true].map((legacy) => repositoryVerdict(signature, spec(keyring, legacy)));
    expect(await Promise.all(ours)).toEqual(verdicts(worth, 'ICT_RPM_REPOMD_SIGNATURE'));
    expect(gpgvAccepts(signature, keyring)).toBe(gpgv);
  });
});

describe.each(BY_OPENPGP)('a signature by a key of RFC 9580 of %s', (kind) => {
  it('of a package and of a repository is good, and not of others', async () => {
    const key = await createSigningKey(kind, undefined, kind);
    const keyring = join(directory, `${kind}.gpg`);
    writeFileSync(keyring, key.keyring);
    const sign: Signer = async (bytes) => execFileSync('gpg', ['--dearmor'], { input: await key.signDetached(bytes), stdio: 'pipe' });
    const file = await signedPackage(kind, SIGNATURE_TAG.DSA, sign);
    expect(await packageVerdict(file, spec(keyring, false))).toBe('good');
    expect(await repositoryVerdict(await sign(repomd), spec(keyring, false))).toBe('good');
    expect(await repositoryVerdict(await sign(repomd.subarray(1)), spec(keyring, true))).toBe('ICT_RPM_REPOMD_SIGNATURE');
    const other = await signedPackage(`${kind}-other`, SIGNATURE_TAG.DSA, async (bytes) => sign(bytes.subarray(1)));
    expect(await packageVerdict(other, spec(keyring, true))).toBe('ICT_RPM_PACKAGE_SIGNATURE');
  });
});

it('a signature by a key of a curve that nothing here computes with says so', async () => {
  const key = workshop.key('curve', 'secp256k1');
  const file = await signedPackage('curve', SIGNATURE_TAG.DSA, gnupgSigner(key.home, 'SHA256'));
  await using ctx = fakeContext({ nowSeconds: NOW, verify: verifier });
  const expected = { id: 'made:noarch', name: 'made', version: '1-1', arch: 'noarch', repository: 'signed' } as ResolvedPackage;
  await expect(createPackageVerifier().verify(file, expected, spec(key.keyring, true), ctx)).rejects.toThrow(
    `${key.fingerprint.slice(-16)}: keys of the curve secp256k1 are not supported`,
  );
});

/** Which of the two judges alike. */
function rpmOfHost(): Accepting {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(execFileSync('rpm', ['--version']).toString()) ?? [];
  return Number(major) === 4 && Number(minor) < 20 ? '4.18' : '4.20';
}

/** Whether rpm, which knows the key and nothing else, finds digests and signatures good. */
function rpmAccepts(file: string, keyring: string): boolean {
  const database = ['--dbpath', mkdtempSync(join(directory, 'database-'))];
  const run = (...args: readonly string[]): string => {
    try {
      return execFileSync('rpmkeys', [...database, ...args], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } }).toString();
    } catch (error) {
      return (error as { readonly stdout: Buffer }).stdout.toString();
    }
  };
  run('--import', keyring);
  return run('--checksig', file).trim().endsWith(': digests signatures OK');
}

function gpgvAccepts(signature: Uint8Array, keyring: string): boolean {
  const at = mkdtempSync(join(directory, 'gpgv-'));
  const [ring, beside, content] = [join(at, 'keyring.gpg'), join(at, 'signature'), join(at, 'content')] as const;
  execFileSync('gpg', ['--dearmor', '--output', ring, keyring], { stdio: 'pipe' });
  writeFileSync(beside, signature);
  writeFileSync(content, repomd);
  try {
    execFileSync('gpgv', ['--keyring', ring, beside, content], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
