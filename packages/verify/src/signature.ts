import type { FileRange, SignatureFault, SignatureResult } from '@ict/plugin-api';
import type { Key, PartialConfig, Signature, SignaturePacket } from 'openpgp';
import { readClearsigned } from './clearsigned.js';
import { filePieces } from './file-digest.js';
import type { Keyring, KeyMaterial } from './keyring.js';
import { openPgp, type OpenPgp } from './openpgp-library.js';
import type { RangeReader } from './part-reader.js';
import { isGoodRsaSignature } from './rsa-signature.js';
import { signedDigest } from './signed-digest.js';
import { readV3Signature, verifyV3 } from './v3-signature.js';
import type { V3Signature } from './v3-signature.js';

/** Bytes, the signature over them, and the keys that count. */
export interface SignatureCheck {
  readonly covered: Uint8Array | FileRange;
  readonly signature: Uint8Array | string;
  readonly keyrings: readonly Keyring[];
  /** "Now", seconds since 1970: a signature may neither be younger than this nor have expired by then. */
  readonly atSeconds: number;
  /** Accept DSA, RSA from 1024 bits, MD5, SHA-1 and RIPEMD-160. Default false. */
  readonly legacyCrypto?: boolean;
  /** How `covered` is read when it is part of a file. Default: `filePieces`. */
  readonly read?: RangeReader;
}

/** More signatures than this in one message are an attack on our time. */
const maxSignatures = 64;

const bad = (reason: string, fault: SignatureFault = 'other'): SignatureResult => ({
  ...{ good: false, signers: [], issuers: [], failures: [reason] },
  faults: [fault],
});
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** openpgp tells expired keys from all else by its words alone. */
const faultOf = (error: unknown): SignatureFault => (/\bkey\b.*\bexpired/i.test(reasonOf(error)) ? 'expired-key' : 'other');

/**
 * Which edition of the policy on signatures this is: part of every question whose verdict is remembered. Raised when something is refused that was
 * accepted before, so that what was accepted is verified again.
 */
export const SIGNATURE_POLICY = 1;

/** What openpgp refuses, said here so that its defaults cannot change it: weak digests over messages, weak keys. */
function policy({ enums }: OpenPgp, legacyCrypto: boolean): PartialConfig {
  if (legacyCrypto) {
    return {
      minRSABits: 1023,
      rejectHashAlgorithms: new Set(),
      rejectMessageHashAlgorithms: new Set(),
      rejectPublicKeyAlgorithms: new Set(),
      allowInsecureVerificationWithReformattedKeys: true,
    };
  }
  return {
    minRSABits: 2047, // some 2048-bit keys have a leading zero bit
    rejectHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]),
    rejectMessageHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd, enums.hash.sha1]),
    rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal, enums.publicKey.dsa]),
    // A key whose self-signatures were renewed after the message was signed is judged at `atSeconds` instead.
    allowInsecureVerificationWithReformattedKeys: true,
  };
}

/** The bytes that a signature covers, in pieces of which each is valid until the next. */
function pieces({ covered, read = filePieces }: SignatureCheck): Iterable<Uint8Array> {
  return covered instanceof Uint8Array ? [covered] : read(covered);
}

async function readSignaturePackets(openpgp: OpenPgp, signature: Uint8Array | string): Promise<Signature> {
  if (typeof signature === 'string') return openpgp.readSignature({ armoredSignature: signature });
  const armoured = ((signature[0] ?? 0) & 0x80) === 0;
  if (!armoured) return openpgp.readSignature({ binarySignature: signature });
  const text = new TextDecoder('latin1').decode(signature).trim();
  if (
    text.split('-----BEGIN PGP SIGNATURE-----').length !== 2 ||
    !text.startsWith('-----BEGIN') ||
    !text.endsWith('-----END PGP SIGNATURE-----')
  ) {
    throw new Error('the signature is not one armoured block');
  }
  return openpgp.readSignature({ armoredSignature: text });
}

/**
 * Gives openpgp the digest of a file, in the place where it keeps that itself for what it reads as a stream: it wants all bytes at once, and gets
 * none. A release that no longer looked there would find every signature bad.
 */
function tellDigest(packet: SignaturePacket, digest: Uint8Array): void {
  (packet as SignaturePacket & { hashed?: Uint8Array }).hashed = digest;
}

/** What is wrong with the signatures of a check. */
class Failures {
  readonly reasons: string[];
  readonly #keyrings: readonly Keyring[];
  readonly #faults = new Set<SignatureFault>();

  /** Begins with the problems of the keyrings, which are no faults of a signature. */
  constructor(keyrings: readonly Keyring[]) {
    this.#keyrings = keyrings;
    this.reasons = keyrings.flatMap((keyring) => keyring.problems);
  }

  add(reason: string, fault: SignatureFault = 'other'): void {
    this.reasons.push(reason);
    this.#faults.add(fault);
  }

  /** @param error of a check of one signature with a key. */
  addError(issuer: string, error: unknown): void {
    this.add(`${issuer}: ${reasonOf(error)}`, faultOf(error));
  }

  result(signers: readonly string[], issuers: readonly string[]): SignatureResult {
    const faults = [...this.#faults];
    const good = signers.length > 0;
    return {
      ...{ good, signers, issuers, failures: this.reasons },
      ...(faults.length === 0 ? {} : { faults }),
      ...(good ? {} : { keys: this.#keyrings.flatMap(({ keys }) => keys.map(({ fingerprint }) => fingerprint)) }),
    };
  }
}

/** Keys of the keyrings with the id of an issuer; notes when there is none. */
function candidatesOf(issuer: string, check: SignatureCheck, failures: Failures): readonly KeyMaterial[] {
  const candidates = check.keyrings.flatMap((keyring) => keyring.keys).filter((key) => key.keyIds.includes(issuer));
  if (candidates.length === 0) failures.add(`${issuer}: the keyrings hold no such key`, 'unknown-key');
  return candidates;
}

/** Curves of ECDSA whose signatures openpgp checks only with a module that it does not bring. */
const unknownCurves: ReadonlySet<string> = new Set(['brainpoolP256r1', 'brainpoolP384r1', 'brainpoolP512r1', 'secp256k1']);

/** @throws Error for a key that nothing here can compute with. */
function requireKnownCurve(key: Key, packet: SignaturePacket): void {
  for (const part of key.getKeys(packet.issuerKeyID)) {
    const { curve } = part.getAlgorithmInfo();
    if (curve !== undefined && unknownCurves.has(curve)) throw new Error(`keys of the curve ${curve} are not supported`);
  }
}

async function keyOf(candidate: KeyMaterial): Promise<Key> {
  return (await candidate.parse()) as Key;
}

/** @returns the fingerprint of the primary key that made the signature; else undefined, and notes why it is not good. */
async function checkPacket(
  openpgp: OpenPgp,
  packet: SignaturePacket,
  check: SignatureCheck,
  issuer: string,
  failures: Failures,
): Promise<string | undefined> {
  const candidates = candidatesOf(issuer, check, failures);
  if (candidates.length === 0) return undefined;
  const { atSeconds, covered } = check;
  const rules = policy(openpgp, check.legacyCrypto === true);
  let digest: Uint8Array | undefined;
  try {
    if (!(covered instanceof Uint8Array)) tellDigest(packet, (digest = signedDigest(packet, pieces(check))));
  } catch (error) {
    failures.addError(issuer, error);
    return undefined;
  }
  for (const candidate of candidates) {
    try {
      const list = new openpgp.PacketList<SignaturePacket>();
      list.push(packet);
      const key = await keyOf(candidate);
      requireKnownCurve(key, packet);
      const settings = { atSeconds, config: { ...openpgp.config, ...rules } };
      if (digest !== undefined && (await isGoodRsaSignature(packet, digest, key, settings))) return candidate.fingerprint;
      const { signatures } = await openpgp.verify({
        message: await openpgp.createMessage({ binary: covered instanceof Uint8Array ? covered : new Uint8Array(0) }),
        signature: new openpgp.Signature(list),
        verificationKeys: key,
        date: new Date(atSeconds * 1000),
        format: 'binary',
        config: rules,
      });
      if (signatures.length !== 1) throw new Error('not a signature over data');
      await signatures[0]?.verified;
      return candidate.fingerprint;
    } catch (error) {
      failures.addError(issuer, error);
    }
  }
  return undefined;
}

/**
 * Checks every signature over `covered`. One good signature by a key of the keyrings makes the result good.
 *
 * Not good: no or unreadable signature, unknown issuer, MD5, SHA-1 or RIPEMD-160 digests, RSA below 2048 bits, DSA (these weak ones
 * count with `legacyCrypto`),
 * a signature from the future or past its expiry at `atSeconds`, a key that was expired, not yet made or retired when the
 * signature was made, or that was revoked as compromised at any time. A key is judged at the time that the signature
 * states, so that an old snapshot stays valid after its key has expired.
 *
 * Pure; never throws for bad input.
 */
export async function checkSignature(check: SignatureCheck): Promise<SignatureResult> {
  const openpgp = await openPgp();
  const old = await readOldSignature(openpgp, check.signature);
  if (old !== undefined) return checkV3(openpgp, old, check);
  let signature: Signature;
  try {
    signature = await readSignaturePackets(openpgp, check.signature);
  } catch (error) {
    return bad(`the signature cannot be read: ${reasonOf(error)}`);
  }
  const packets = [...signature.packets];
  if (packets.length === 0) return bad('the message carries no signature', 'unsigned');
  if (packets.length > maxSignatures) return bad(`the message carries more than ${maxSignatures} signatures`);
  const signers = new Set<string>();
  const issuers: string[] = [];
  const failures = new Failures(check.keyrings);
  for (const packet of packets) {
    if (!(packet instanceof openpgp.SignaturePacket)) {
      failures.add('a signature packet of an unsupported kind');
      continue;
    }
    const issuer = packet.issuerKeyID.toHex().toUpperCase();
    issuers.push(issuer);
    const signer = await checkPacket(openpgp, packet, check, issuer, failures);
    if (signer !== undefined) signers.add(signer);
  }
  return failures.result([...signers], issuers);
}

/** A lone signature of version 3, binary or armoured; undefined for anything else. */
async function readOldSignature(openpgp: OpenPgp, signature: Uint8Array | string): Promise<V3Signature | undefined> {
  const armoured = typeof signature === 'string' || ((signature[0] ?? 0) & 0x80) === 0;
  if (!armoured) return readV3Signature(signature);
  try {
    const text = typeof signature === 'string' ? signature : new TextDecoder('latin1').decode(signature).trim();
    const { data } = await openpgp.unarmor(text);
    return data instanceof Uint8Array ? readV3Signature(data) : undefined;
  } catch {
    return undefined; // What is wrong with the armour is said by whoever reads it next.
  }
}

/** Signatures of version 3, which rpm wrote until 2017 and openpgp does not read; see {@link checkSignature}. */
async function checkV3(openpgp: OpenPgp, signature: V3Signature, check: SignatureCheck): Promise<SignatureResult> {
  const { issuer } = signature;
  const failures = new Failures(check.keyrings);
  const legacy = check.legacyCrypto === true;
  for (const candidate of candidatesOf(issuer, check, failures)) {
    try {
      const key = await keyOf(candidate);
      await verifyV3(signature, pieces(check), key, { atSeconds: check.atSeconds, legacy, config: policy(openpgp, legacy) });
      return failures.result([candidate.fingerprint], [issuer]);
    } catch (error) {
      failures.addError(issuer, error);
    }
  }
  return failures.result([], [issuer]);
}

/**
 * Checks a clear-signed message: its framing first (see `readClearsigned`), then its signatures.
 *
 * @returns `plaintext` only when good; it is exactly what the signatures cover, with `\n` line endings.
 */
export async function checkClearsigned(
  message: Uint8Array,
  keyrings: readonly Keyring[],
  atSeconds: number,
  legacyCrypto = false,
): Promise<SignatureResult> {
  const reading = readClearsigned(message);
  if (reading.kind !== 'message') return bad(reading.reason, reading.kind === 'unsigned' ? 'unsigned' : 'other');
  const { text, covered, signature } = reading.parts;
  const result = await checkSignature({ covered, signature, keyrings, atSeconds, legacyCrypto });
  return result.good ? { ...result, plaintext: text } : result;
}
