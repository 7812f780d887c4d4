import { digestOf } from '@ict/integrity';
import { acceptedSigners } from '@ict/plugin-api';
import type {
  Context,
  DigestAlgorithm,
  FileRange,
  Json,
  PackageVerifier,
  RepositorySpec,
  ResolvedPackage,
  SignatureResult,
} from '@ict/plugin-api';
import { distrustOf } from './distrust.js';
import { rpmError } from '../errors.js';
import { formatEvr } from '../relations/evr.js';
import { readKeyrings } from './keyring.js';
import { readRpm } from '../package/package.js';
import type { RpmPackage } from '../package/package.js';
import { SIGNATURE_TAG, TAG } from '../package/tags.js';

/** Digest algorithms of OpenPGP by number, as headers name them. */
const ALGORITHMS: Readonly<Record<number, DigestAlgorithm>> = { 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224', 12: 'sha3-256' };

/** Checks what a package file says of itself. That its bytes have the digest of the metadata is the engine's business. */
export function createPackageVerifier(): PackageVerifier {
  return { verify, rules };
}

/** What decides whether a package of a repository is accepted: whether signatures are asked for, of which keys, and how strong they must be. */
function rules(repository: RepositorySpec): Json {
  const { gpgCheck = true, legacyCrypto = false, fingerprints = [] } = repository;
  const keys = gpgCheck ? { keyrings: readKeyrings(repository).map((bytes) => digestOf(bytes)), fingerprints: [...fingerprints] } : {};
  return { gpgCheck, legacyCrypto, ...keys };
}

/**
 * Checks that the file is the package that was resolved, that it is whole, and that a key of its repository signed it.
 *
 * @throws `ICT_RPM_LEAD_INVALID`, `ICT_RPM_HEADER_INVALID`, `ICT_RPM_PACKAGE_*`, `ICT_RPM_KEYRING_UNREADABLE`; Node's own error when the
 *   file cannot be read.
 */
async function verify(file: string, expected: ResolvedPackage, repository: RepositorySpec, ctx: Context): Promise<void> {
  const pkg = await readRpm(file, { signal: ctx.signal });
  requireSame(pkg, expected);
  if (repository.gpgCheck === false) await verifyContent(pkg, file, ctx, repository);
  else await verifySigned(pkg, file, repository, ctx);
}

function requireSame(pkg: RpmPackage, expected: ResolvedPackage): void {
  const actual = { name: pkg.name, version: formatEvr(pkg.evr), arch: pkg.arch };
  const differing = (['name', 'version', 'arch'] as const).filter((field) => actual[field] !== expected[field]);
  if (differing.length === 0) return;
  throw rpmError('ICT_RPM_PACKAGE_REPLACED', {
    message: `the package file for ${expected.id} ${expected.version} says that it is ${actual.name}:${actual.arch} ${actual.version}`,
    hint: `Repository "${expected.repository}" lists a file under another package's name; report it to the repository.`,
    facts: { package: expected.id, repository: expected.repository, path: expected.path, actual, differing },
  });
}

/**
 * Compares a package with the digests that it carries: of the header, of the payload, or, in packages that have none of the payload, MD5 of
 * both. They find damage; what they are worth against an attacker depends on who vouches for them.
 *
 * @param repository for messages its `id`; `legacyCrypto` lets MD5 count, when there is no other digest of the content.
 * @throws `ICT_RPM_PACKAGE_DIGEST`, `ICT_RPM_PACKAGE_WEAK`
 */
export async function verifyContent(
  pkg: RpmPackage,
  file: string,
  ctx: Pick<Context, 'verify'>,
  { id, legacyCrypto = false }: Partial<Pick<RepositorySpec, 'id' | 'legacyCrypto'>> = {},
): Promise<void> {
  const stated = statedDigests(pkg, file);
  const content = stated.find(({ what }) => what !== 'header')?.algorithm;
  if (content === undefined || (content === 'md5' && !legacyCrypto)) {
    const label = `${pkg.name} ${formatEvr(pkg.evr)}${id === undefined ? '' : ` of repository "${id}"`}`;
    const instead =
      content === undefined
        ? 'build the package anew: without any digest nothing tells whether it is whole'
        : 'say "legacyCrypto: true" for its repository, if its metadata is signed and you trust MD5 for the rest';
    throw rpmError('ICT_RPM_PACKAGE_WEAK', {
      message: `${label} has no digest of its content${content === undefined ? '' : ' but MD5'}, and no signature is asked for`,
      hint: `Have its signature checked, or ${instead}.`,
      facts: {
        package: pkg.name,
        ...(id === undefined ? {} : { repository: id }),
        ...(content === undefined ? {} : { algorithm: content }),
      },
    });
  }
  requireDigests(pkg, stated, (await ctx.verify.checkParts({ digests: stated })).digests);
}

/** A digest that a package carries, and what it is of. */
interface StatedDigest {
  readonly what: string;
  readonly range: FileRange;
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

function statedDigests(pkg: RpmPackage, file: string): readonly StatedDigest[] {
  const { signature, headerRange, payloadRange } = pkg;
  const header = { file, ...headerRange };
  const ofHeader = [
    { algorithm: 'sha256', hex: signature.string(SIGNATURE_TAG.SHA256) },
    { algorithm: 'sha3-256', hex: signature.string(SIGNATURE_TAG.SHA3_256) },
    { algorithm: 'sha1', hex: signature.string(SIGNATURE_TAG.SHA1) },
  ] as const;
  const ofPayload = payloadDigests(pkg);
  const old = ofPayload.length > 0 ? undefined : signature.bytes(SIGNATURE_TAG.LEGACY_MD5)?.toString('hex');
  return [
    ...ofHeader.flatMap(({ hex, algorithm }) => (hex === undefined ? [] : [{ what: 'header', range: header, algorithm, hex }])),
    ...ofPayload.map((digest) => ({ what: 'payload', range: { file, ...payloadRange }, ...digest })),
    ...(old === undefined ? [] : [{ what: 'content', range: wholeOf(pkg, file), algorithm: 'md5' as const, hex: old }]),
  ];
}

function requireDigests(pkg: RpmPackage, stated: readonly StatedDigest[], found: readonly string[]): void {
  const wrong = stated.find(({ hex }, number) => found[number] !== hex);
  if (wrong === undefined) return;
  const { what, algorithm } = wrong;
  throw rpmError('ICT_RPM_PACKAGE_DIGEST', {
    message: `the ${what} of ${pkg.name} ${formatEvr(pkg.evr)} is not what its ${algorithm} digest says`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { package: pkg.name, part: what, algorithm },
  });
}

/** Header and payload: what old signatures and digests cover. */
function wholeOf({ headerRange, payloadRange }: RpmPackage, file: string): FileRange {
  return { file, offset: headerRange.offset, sizeBytes: headerRange.sizeBytes + payloadRange.sizeBytes };
}

/** Digests of the payload as it is stored: one since rpm 4.14, three in packages of format 6. */
function payloadDigests({ header }: RpmPackage): readonly Pick<StatedDigest, 'algorithm' | 'hex'>[] {
  const first = header.string(TAG.PAYLOADDIGEST);
  const algorithm = ALGORITHMS[header.number(TAG.PAYLOADDIGESTALGO) ?? 8];
  if (first !== undefined && algorithm === undefined) {
    throw rpmError('ICT_RPM_HEADER_INVALID', {
      message: 'The payload digest of the package is of an unknown kind',
      hint: 'The package was made by a newer rpm than this reader knows.',
      facts: { part: 'header', reason: 'unknown payload digest' },
    });
  }
  const all = [
    { algorithm, hex: first },
    { algorithm: 'sha512', hex: header.string(TAG.PAYLOADSHA512) },
    { algorithm: 'sha3-256', hex: header.string(TAG.PAYLOADSHA3_256) },
  ] as const;
  return all.flatMap(({ hex, algorithm: each }) => (hex === undefined || each === undefined ? [] : [{ algorithm: each, hex }]));
}

/**
 * Requires that a package is what its digests say, and a good signature by a key of the repository that covers header and payload.
 *
 * A signature of the header covers the payload through the digest in it. Packages of rpm before 4.14 have none: for them the signature of
 * header and payload counts, or that of the header when the repository's own metadata, which has a digest of the file, is signed.
 */
async function verifySigned(pkg: RpmPackage, file: string, repository: RepositorySpec, ctx: Context): Promise<void> {
  const keyrings = readKeyrings(repository);
  const options = { atSeconds: ctx.clock(), ...(repository.legacyCrypto === true ? { legacyCrypto: true } : {}) };
  const headerCovers = payloadDigests(pkg).length > 0 || repository.repoGpgCheck !== false;
  const candidates = [
    ...headerSignatures(pkg).map((signature) => ({ signature, range: { file, ...pkg.headerRange }, enough: headerCovers })),
    ...wholeSignatures(pkg).map((signature) => ({ signature, range: wholeOf(pkg, file), enough: true })),
  ];
  const [first] = candidates;
  const digests = statedDigests(pkg, file);
  const signed = first === undefined ? {} : { signature: { covered: first.range, signature: first.signature, keyrings, options } };
  const verdicts = await ctx.verify.checkParts({ digests, ...signed });
  requireDigests(pkg, digests, verdicts.digests);
  const refused: SignatureResult[] = [];
  const uncovered = new Set<string>();
  for (const { signature, range, enough } of candidates) {
    const together = signature === first?.signature ? verdicts.signature : undefined;
    const result = together ?? (await ctx.verify.detached(range, signature, keyrings, options));
    if (acceptedSigners(result, repository).length === 0) refused.push(result);
    else if (enough) return;
    else uncovered.add('a good signature covers the header alone, and neither it nor the metadata has a trusted digest of the payload');
  }
  const label = `${pkg.name} ${formatEvr(pkg.evr)}`;
  if (candidates.length === 0) {
    throw rpmError('ICT_RPM_PACKAGE_UNSIGNED', {
      message: `${label} of repository "${repository.id}" is not signed`,
      hint: 'When the repository signs its metadata only, say "gpgCheck: false" for it.',
      facts: { package: pkg.name, repository: repository.id },
    });
  }
  const { kind, reason, facts } = distrustOf(refused, repository, [...uncovered]);
  const code = CODES[kind];
  throw rpmError(code, {
    message: `no signature of ${label} of repository "${repository.id}" counts: ${reason}`,
    hint: HINTS[code],
    facts: { package: pkg.name, repository: repository.id, ...facts },
  });
}

const CODES = {
  'unknown-key': 'ICT_RPM_PACKAGE_UNKNOWN_KEY',
  'expired-key': 'ICT_RPM_PACKAGE_EXPIRED_KEY',
  signature: 'ICT_RPM_PACKAGE_SIGNATURE',
} as const;

const HINTS = {
  ICT_RPM_PACKAGE_UNKNOWN_KEY:
    'A key accepts only the packages of its own repository: compare the fingerprint with what the repository publishes, and add the key to its keyrings, and to "fingerprints" where it has any, when it is right.',
  ICT_RPM_PACKAGE_EXPIRED_KEY: 'Whoever renews the key publishes it again: put the new copy in the place of the old one in the keyrings.',
  ICT_RPM_PACKAGE_SIGNATURE:
    'The package was changed, or is signed by weak means: fetch it again from another mirror, or report it to the repository.',
} as const;

function headerSignatures({ signature }: RpmPackage): readonly Uint8Array[] {
  const single = [SIGNATURE_TAG.RSA, SIGNATURE_TAG.DSA].flatMap((tag) => signature.bytes(tag) ?? []);
  // Since rpm 6 all signatures stand here, and the first again under its old tag.
  const all = signature.strings(SIGNATURE_TAG.OPENPGP).map((text) => Buffer.from(text, 'base64'));
  return [...all, ...single.filter((one) => !all.some((other) => other.equals(one)))];
}

function wholeSignatures({ signature }: RpmPackage): readonly Uint8Array[] {
  return [SIGNATURE_TAG.LEGACY_PGP, SIGNATURE_TAG.LEGACY_GPG].flatMap((tag) => signature.bytes(tag) ?? []);
}
