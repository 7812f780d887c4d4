import { createVerify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Config, Key, PartialConfig } from 'openpgp';
import { DSA, toKeyObject } from './public-key.js';

/** A signature packet of version 3, as old rpm packages carry them; openpgp reads versions 4 and later. */
export interface V3Signature {
  readonly type: number;
  readonly createdSeconds: number;
  /** Upper-case hex. */
  readonly issuer: string;
  readonly publicKeyAlgorithm: number;
  readonly hashAlgorithm: number;
  /** What is hashed after the content: type and time. */
  readonly trailer: Buffer;
  readonly numbers: readonly Buffer[];
}

const SIGNATURE = 2;
const HASHES: Readonly<Record<number, string>> = { 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224' };
/** MD5 and SHA-1. */
const WEAK_HASHES: readonly number[] = [1, 2];

/**
 * Reads a single binary signature packet of version 3.
 *
 * @returns undefined for anything else, and for a damaged packet.
 * @see RFC 4880 section 5.2.2
 */
export function readV3Signature(bytes: Uint8Array): V3Signature | undefined {
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = packetBody(packet);
  if (body === undefined || body.length < 19 || body[0] !== 3 || body[1] !== 5) return undefined;
  const numbers: Buffer[] = [];
  for (let at = 19; at < body.length; ) {
    if (at + 2 > body.length) return undefined;
    const sizeBytes = Math.ceil(body.readUInt16BE(at) / 8);
    if (at + 2 + sizeBytes > body.length) return undefined;
    numbers.push(body.subarray(at + 2, at + 2 + sizeBytes));
    at += 2 + sizeBytes;
  }
  return {
    type: body[2]!,
    createdSeconds: body.readUInt32BE(3),
    issuer: body.toString('hex', 7, 15).toUpperCase(),
    publicKeyAlgorithm: body[15]!,
    hashAlgorithm: body[16]!,
    trailer: body.subarray(2, 7),
    numbers,
  };
}

/** The body of the only packet, when that is a signature. */
function packetBody(packet: Buffer): Buffer | undefined {
  const header = packet[0] ?? 0;
  if ((header & 0x80) === 0 || packet.length < 6) return undefined;
  let start: number;
  let sizeBytes: number;
  let tag: number;
  if ((header & 0x40) !== 0) {
    tag = header & 0x3f;
    const first = packet[1]!;
    if (first < 192) [start, sizeBytes] = [2, first];
    else if (first < 224) [start, sizeBytes] = [3, ((first - 192) << 8) + packet[2]! + 192];
    else if (first === 255) [start, sizeBytes] = [6, packet.readUInt32BE(2)];
    else return undefined;
  } else {
    tag = (header >> 2) & 0x0f;
    const width = [1, 2, 4, 0][header & 3]!;
    if (width === 0) return undefined;
    [start, sizeBytes] = [1 + width, packet.readUIntBE(1, width)];
  }
  return tag === SIGNATURE && start + sizeBytes === packet.length ? packet.subarray(start) : undefined;
}

/**
 * Checks a signature of version 3 against a key, which must have been valid when the signature was made.
 *
 * @param legacy accepts MD5, SHA-1, DSA and RSA below 2048 bits.
 * @throws an error that says why the signature is not good.
 */
export async function verifyV3(
  signature: V3Signature,
  covered: Iterable<Uint8Array>,
  key: Key,
  options: { readonly atSeconds: number; readonly legacy: boolean; readonly config: PartialConfig },
): Promise<void> {
  const { atSeconds, legacy, config } = options;
  const hashName = HASHES[signature.hashAlgorithm];
  if (signature.type !== 0 || hashName === undefined) throw new Error('not a signature over data by a known digest');
  if (!legacy && WEAK_HASHES.includes(signature.hashAlgorithm)) throw new Error(`the digest ${hashName} is weak`);
  if (!legacy && signature.publicKeyAlgorithm === DSA) throw new Error('DSA is weak');
  if (signature.createdSeconds > atSeconds) throw new Error('the signature is from the future');
  const { openpgpKeyId, packet } = await signingKey(signature, key, config);
  const publicKey = toKeyObject(packet.publicParams as Readonly<Record<string, Uint8Array>>, signature.publicKeyAlgorithm);
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (!legacy && bits < 2047) throw new Error(`key ${openpgpKeyId} has ${bits} bits only`);
  const check = createVerify(hashName);
  for (const chunk of covered) check.update(chunk);
  check.update(signature.trailer);
  if (!check.verify({ key: publicKey, dsaEncoding: 'ieee-p1363' }, joined(signature.numbers, publicKey))) {
    throw new Error('the content is not what was signed');
  }
}

/** The numbers of a signature, each as long as node:crypto wants it. */
function joined(numbers: readonly Buffer[], { asymmetricKeyDetails }: KeyObject): Buffer {
  const bits = numbers.length === 1 ? asymmetricKeyDetails?.modulusLength : asymmetricKeyDetails?.divisorLength;
  const width = Math.ceil((bits ?? 0) / 8);
  return Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.alloc(Math.max(0, width - number.length)), number])));
}

async function signingKey(signature: V3Signature, key: Key, config: PartialConfig) {
  const part = key.getKeys().find((each) => each.getKeyID().toHex().toUpperCase() === signature.issuer);
  if (part === undefined) throw new Error('the keyrings hold no such key');
  // Throws when the key was not yet made, expired, revoked or not for signing at that time.
  await key.getSigningKey(part.getKeyID(), new Date(signature.createdSeconds * 1000), undefined, config as Config);
  return { openpgpKeyId: signature.issuer, packet: part.keyPacket };
}
