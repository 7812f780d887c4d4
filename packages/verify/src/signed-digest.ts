import { createHash } from 'node:crypto';
import type { SignaturePacket } from 'openpgp';

/** By number in OpenPGP: the name that node:crypto has for a digest algorithm, and the bytes of salt that signatures of version 6 add. */
const HASHES: Readonly<Record<number, { readonly name: string; readonly saltBytes: number }>> = {
  1: { name: 'md5', saltBytes: 0 },
  2: { name: 'sha1', saltBytes: 0 },
  3: { name: 'ripemd160', saltBytes: 0 },
  8: { name: 'sha256', saltBytes: 16 },
  9: { name: 'sha384', saltBytes: 24 },
  10: { name: 'sha512', saltBytes: 32 },
  11: { name: 'sha224', saltBytes: 16 },
  12: { name: 'sha3-256', saltBytes: 16 },
  14: { name: 'sha3-512', saltBytes: 32 },
};
const OVER_BYTES = 0;

/**
 * The digest that a signature of version 4 or 6 is made over: salt, content, the signed part of the packet, and a trailer. The content is
 * read once, piece by piece.
 *
 * @throws Error for a signature over text, whose line ends would have to be changed first, and for other versions and algorithms.
 * @see RFC 9580 section 5.2.4
 */
export function signedDigest(packet: SignaturePacket, content: Iterable<Uint8Array>): Uint8Array {
  const { hashAlgorithm, signatureData, signatureType, version } = packet;
  const { salt } = packet as SignaturePacket & { readonly salt: Uint8Array | null };
  const algorithm = hashAlgorithm === null ? undefined : HASHES[hashAlgorithm];
  if (signatureType !== OVER_BYTES) throw new Error('not a signature over bytes');
  if (algorithm === undefined || signatureData === null || (version !== 4 && version !== 6))
    throw new Error('a signature of an unknown kind');
  if ((salt?.length ?? 0) !== (version === 6 ? algorithm.saltBytes : 0)) throw new Error('its salt is not as long as it must be');
  const hash = createHash(algorithm.name);
  if (salt !== null) hash.update(salt);
  for (const piece of content) hash.update(piece);
  const trailer = Buffer.alloc(6);
  trailer.writeUInt8(version, 0);
  trailer.writeUInt8(0xff, 1);
  trailer.writeUInt32BE(signatureData.length, 2);
  return hash.update(signatureData).update(trailer).digest();
}
