import { createReadStream } from 'node:fs';
import type { FileRange, SignatureResult } from '@ict/plugin-api';
import type * as OpenPgpModule from 'openpgp';
import type { PartialConfig, Signature, SignaturePacket } from 'openpgp';
import { readClearsigned } from './clearsigned.js';
import type { Keyring } from './keyring.js';
import { readV3Signature, verifyV3 } from './v3-signature.js';
import type { V3Signature } from './v3-signature.js';

/** Bytes, the signature over them, and the keys that count. */
export interface SignatureCheck {
  readonly covered: Uint8Array | FileRange;
  readonly signature: Uint8Array | string;
  readonly keyrings: readonly Keyring[];
  /** "Now", seconds since 1970: a signature may neither be younger than this nor have expired by then. */
  readonly atSeconds: number;
  /** Accept DSA, RSA from 1024 bits, MD5 and SHA-1. Default false. */
  readonly legacyCrypto?: boolean;
}

/** More signatures than this in one message are an attack on our time. */
const maxSignatures = 64;

/** Headers of packages are some megabytes at most. */
const MAX_CONTENT_BYTES = 512 * 2 ** 20;

const bad = (reason: string): SignatureResult => ({ good: false, signers: [], issuers: [], failures: [reason] });
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type OpenPgp = typeof OpenPgpModule;

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

/** The bytes that a signature covers, in pieces. */
function pieces(covered: Uint8Array | FileRange): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (covered instanceof Uint8Array) return [covered];
  const { file, offset, sizeBytes } = covered;
  return sizeBytes === 0 ? [] : createReadStream(file, { start: offset, end: offset + sizeBytes - 1, highWaterMark: 256 * 1024 });
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

/** openpgp wants all bytes at once. Signatures over whole large files are of version 3, which is checked in pieces. */
async function content(covered: Uint8Array | FileRange): Promise<Uint8Array> {
  if (covered instanceof Uint8Array) return covered;
  if (covered.sizeBytes > MAX_CONTENT_BYTES) throw new Error(`it covers more than ${MAX_CONTENT_BYTES} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of pieces(covered)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** @returns the fingerprint of the primary key that made the signature, or why it is not good. */
async function checkPacket(
  openpgp: OpenPgp,
  packet: SignaturePacket,
  check: SignatureCheck,
  issuer: string,
): Promise<{ readonly signer: string } | { readonly failures: readonly string[] }> {
  const candidates = check.keyrings.flatMap((keyring) => keyring.keys).filter((key) => key.keyIds.includes(issuer));
  if (candidates.length === 0) return { failures: [`${issuer}: the keyrings hold no such key`] };
  const failures: string[] = [];
  for (const { binary } of candidates) {
    try {
      const list = new openpgp.PacketList<SignaturePacket>();
      list.push(packet);
      const key = await openpgp.readKey({ binaryKey: binary });
      const { signatures } = await openpgp.verify({
        message: await openpgp.createMessage({ binary: await content(check.covered) }),
        signature: new openpgp.Signature(list),
        verificationKeys: key,
        date: new Date(check.atSeconds * 1000),
        format: 'binary',
        config: policy(openpgp, check.legacyCrypto === true),
      });
      if (signatures.length !== 1) throw new Error('not a signature over data');
      await signatures[0]?.verified;
      return { signer: key.getFingerprint().toUpperCase() };
    } catch (error) {
      failures.push(`${issuer}: ${reasonOf(error)}`);
    }
  }
  return { failures };
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
  const openpgp = await import('openpgp');
  const old = await readOldSignature(openpgp, check.signature);
  if (old !== undefined) return checkV3(openpgp, old, check);
  let signature: Signature;
  try {
    signature = await readSignaturePackets(openpgp, check.signature);
  } catch (error) {
    return bad(`the signature cannot be read: ${reasonOf(error)}`);
  }
  const packets = [...signature.packets];
  if (packets.length === 0) return bad('the message carries no signature');
  if (packets.length > maxSignatures) return bad(`the message carries more than ${maxSignatures} signatures`);
  const signers = new Set<string>();
  const issuers: string[] = [];
  const failures = check.keyrings.flatMap((keyring) => keyring.problems);
  for (const packet of packets) {
    if (!(packet instanceof openpgp.SignaturePacket)) {
      failures.push('a signature packet of an unsupported kind');
      continue;
    }
    const issuer = packet.issuerKeyID.toHex().toUpperCase();
    issuers.push(issuer);
    const outcome = await checkPacket(openpgp, packet, check, issuer);
    if ('signer' in outcome) signers.add(outcome.signer);
    else failures.push(...outcome.failures);
  }
  return { good: signers.size > 0, signers: [...signers], issuers, failures };
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
  const candidates = check.keyrings.flatMap((keyring) => keyring.keys).filter((key) => key.keyIds.includes(issuer));
  const failures = check.keyrings.flatMap((keyring) => keyring.problems);
  if (candidates.length === 0) failures.push(`${issuer}: the keyrings hold no such key`);
  const legacy = check.legacyCrypto === true;
  for (const { binary } of candidates) {
    try {
      const key = await openpgp.readKey({ binaryKey: binary });
      await verifyV3(signature, pieces(check.covered), key, { atSeconds: check.atSeconds, legacy, config: policy(openpgp, legacy) });
      return { good: true, signers: [key.getFingerprint().toUpperCase()], issuers: [issuer], failures };
    } catch (error) {
      failures.push(`${issuer}: ${reasonOf(error)}`);
    }
  }
  return { good: false, signers: [], issuers: [issuer], failures };
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
  if (reading.kind === 'malformed') return bad(reading.reason);
  const { text, covered, signature } = reading.parts;
  const result = await checkSignature({ covered, signature, keyrings, atSeconds, legacyCrypto });
  return result.good ? { ...result, plaintext: text } : result;
}
