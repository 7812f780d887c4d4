import type { SignatureResult } from '@ict/plugin-api';
import type * as OpenPgpModule from 'openpgp';
import type { PartialConfig, Signature, SignaturePacket } from 'openpgp';
import { readClearsigned } from './clearsigned.js';
import type { Keyring } from './keyring.js';

/** Bytes, the signature over them, and the keys that count. */
export interface SignatureCheck {
  readonly covered: Uint8Array;
  readonly signature: Uint8Array | string;
  readonly keyrings: readonly Keyring[];
  /** "Now", seconds since 1970: a signature may neither be younger than this nor have expired by then. */
  readonly atSeconds: number;
}

/** More signatures than this in one message are an attack on our time. */
const maxSignatures = 64;

const bad = (reason: string): SignatureResult => ({ good: false, signers: [], issuers: [], failures: [reason] });
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type OpenPgp = typeof OpenPgpModule;

/** What openpgp refuses, said here so that its defaults cannot change it: weak digests over messages, weak keys. */
function policy({ enums }: OpenPgp): PartialConfig {
  return {
    minRSABits: 2047, // some 2048-bit keys have a leading zero bit
    rejectHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]),
    rejectMessageHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd, enums.hash.sha1]),
    rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal, enums.publicKey.dsa]),
    // A key whose self-signatures were renewed after the message was signed is judged at `atSeconds` instead.
    allowInsecureVerificationWithReformattedKeys: true,
  };
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
        message: await openpgp.createMessage({ binary: check.covered }),
        signature: new openpgp.Signature(list),
        verificationKeys: key,
        date: new Date(check.atSeconds * 1000),
        format: 'binary',
        config: policy(openpgp),
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
 * Not good: no or unreadable signature, unknown issuer, MD5, SHA-1 or RIPEMD-160 digests, RSA below 2048 bits, DSA,
 * a signature from the future or past its expiry at `atSeconds`, a key that was expired, not yet made or retired when the
 * signature was made, or that was revoked as compromised at any time. A key is judged at the time that the signature
 * states, so that an old snapshot stays valid after its key has expired.
 *
 * Pure; never throws for bad input.
 */
export async function checkSignature(check: SignatureCheck): Promise<SignatureResult> {
  const openpgp = await import('openpgp');
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

/**
 * Checks a clear-signed message: its framing first (see `readClearsigned`), then its signatures.
 *
 * @returns `plaintext` only when good; it is exactly what the signatures cover, with `\n` line endings.
 */
export async function checkClearsigned(message: Uint8Array, keyrings: readonly Keyring[], atSeconds: number): Promise<SignatureResult> {
  const reading = readClearsigned(message);
  if (reading.kind === 'malformed') return bad(reading.reason);
  const { text, covered, signature } = reading.parts;
  const result = await checkSignature({ covered, signature, keyrings, atSeconds });
  return result.good ? { ...result, plaintext: text } : result;
}
