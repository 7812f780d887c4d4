import { constants, publicDecrypt, type KeyObject } from 'node:crypto';
import type { Config, Key, SignaturePacket } from 'openpgp';
import { RSA, toKeyObject } from './public-key.js';

/** What stands before a digest in an RSA signature, by the number of the digest algorithm: SHA-256, SHA-384, SHA-512. */
const DIGEST_INFO: Readonly<Record<number, Buffer>> = {
  8: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  9: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  10: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
};

/**
 * Whether a signature over bytes is good beyond doubt: by RSA and a strong digest, not from the future, without expiry and anything critical, by a
 * key of which openpgp says that it might sign at that time. False says nothing: openpgp has to be asked about the signature.
 *
 * openpgp computes with numbers of its own when it gets a digest instead of content, which takes twenty times as long as OpenSSL.
 *
 * @param packet as openpgp has read it.
 * @param digest what the signature is made over; see `signedDigest`.
 * @param config all of openpgp's settings.
 * @see RFC 8017 section 9.2
 */
export async function isGoodRsaSignature(
  packet: SignaturePacket,
  digest: Uint8Array,
  key: Key,
  { atSeconds, config }: { readonly atSeconds: number; readonly config: Config },
): Promise<boolean> {
  const { created, hashAlgorithm, issuerKeyID, publicKeyAlgorithm, signedHashValue } = packet;
  const info = DIGEST_INFO[hashAlgorithm ?? 0];
  const [part] = key.getKeys(issuerKeyID);
  if (info === undefined || part === undefined || created === null || publicKeyAlgorithm === null || hasConditions(packet)) return false;
  if (!RSA.includes(publicKeyAlgorithm) || publicKeyAlgorithm !== (part.keyPacket.algorithm as number)) return false;
  if (!part.getKeyID().equals(issuerKeyID)) return false;
  if (created.getTime() > atSeconds * 1000 || created < part.getCreationTime()) return false;
  if (signedHashValue?.[0] !== digest[0] || signedHashValue?.[1] !== digest[1]) return false;
  const { s } = (packet as SignaturePacket & { readonly params: { readonly s: Uint8Array } }).params;
  try {
    const signer = await key.getSigningKey(part.getKeyID(), created, undefined, config);
    if (signer.keyPacket !== part.keyPacket) return false;
    return Buffer.concat([info, digest]).equals(opened(s, part.keyPacket.publicParams as Readonly<Record<string, Uint8Array>>));
  } catch {
    return false;
  }
}

/** Whether a signature says more than who made it, and when. */
function hasConditions(packet: SignaturePacket): boolean {
  return (
    packet.signatureType !== 0 ||
    !packet.signatureNeverExpires ||
    packet.revocationKeyClass !== null ||
    packet.unknownSubpackets.length > 0 ||
    packet.rawNotations.some(({ critical }) => critical)
  );
}

/** A key as OpenSSL takes it, and how long its signatures are. */
interface OpeningKey {
  readonly key: KeyObject;
  readonly widthBytes: number;
}

/** Keys for OpenSSL by the parameters that openpgp has of them: making one takes longer than to open a signature with it. */
const openingKeys = new WeakMap<Readonly<Record<string, Uint8Array>>, OpeningKey>();

function openingKey(parameters: Readonly<Record<string, Uint8Array>>): OpeningKey {
  const known = openingKeys.get(parameters);
  if (known !== undefined) return known;
  const key = toKeyObject(parameters, RSA[0]!);
  const made = { key, widthBytes: Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8) };
  openingKeys.set(parameters, made);
  return made;
}

/** What was signed, padding removed; OpenSSL requires that it is whole. */
function opened(signature: Uint8Array, parameters: Readonly<Record<string, Uint8Array>>): Buffer {
  const { key, widthBytes } = openingKey(parameters);
  const padded = Buffer.concat([Buffer.alloc(Math.max(0, widthBytes - signature.length)), signature]);
  return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, padded);
}
