import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Numbers of public-key algorithms in OpenPGP that are RSA for signatures. */
export const RSA: readonly number[] = [1, 3];
export const DSA = 17;

/** Object identifier 1.2.840.10040.4.1. */
const DSA_OID = Buffer.from('06072a8648ce380401', 'hex');

/**
 * An RSA or DSA key of an OpenPGP packet, as node:crypto takes it.
 *
 * @param parameters the key's numbers by their usual letters, big-endian.
 * @throws Error for a key of another kind, or numbers that OpenSSL does not take.
 */
export function toKeyObject(parameters: Readonly<Record<string, Uint8Array>>, algorithm: number): KeyObject {
  const number = (name: string): Buffer => {
    const value = parameters[name];
    if (value === undefined) throw new Error('the key is of another kind than the signature');
    return Buffer.from(value);
  };
  if (RSA.includes(algorithm)) {
    const key = { kty: 'RSA', n: number('n').toString('base64url'), e: number('e').toString('base64url') };
    return createPublicKey({ key, format: 'jwk' });
  }
  if (algorithm !== DSA) throw new Error(`public-key algorithm ${algorithm} is not known here`);
  const parts = sequence(['p', 'q', 'g'].map((name) => integer(number(name))));
  const bitString = Buffer.concat([Buffer.from([0]), integer(number('y'))]);
  const der = sequence([sequence([DSA_OID, parts]), element(0x03, bitString)]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (parts: readonly Buffer[]): Buffer => element(0x30, Buffer.concat(parts));

/** A positive integer: a leading zero byte keeps the sign. */
function integer(value: Buffer): Buffer {
  const first = value.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.from([0]) : value.subarray(first);
  return element(0x02, (digits[0]! & 0x80) === 0 ? digits : Buffer.concat([Buffer.from([0]), digits]));
}
