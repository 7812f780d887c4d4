import { readFileSync } from 'node:fs';
import * as openpgp from 'openpgp';

/** A fixed "now" of these tests, seconds since 1970: 2026-01-01. */
export const now = 1_767_225_600;
export const day = 86_400;
export const dateOf = (seconds: number): Date => new Date(seconds * 1000);

export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface TestKey {
  readonly privateKey: openpgp.PrivateKey;
  readonly publicKey: openpgp.PublicKey;
  readonly fingerprint: string;
  /** The public key as a binary keyring. */
  readonly keyring: Uint8Array;
}

export function keyOf(privateKey: openpgp.PrivateKey): TestKey {
  const publicKey = privateKey.toPublic();
  return { privateKey, publicKey, fingerprint: publicKey.getFingerprint().toUpperCase(), keyring: publicKey.write() };
}

export interface KeyOptions {
  readonly madeAt?: number;
  readonly lifetime?: number;
  readonly rsaBits?: number;
  readonly signingSubkey?: boolean;
}

export async function makeKey(name: string, options: KeyOptions = {}): Promise<TestKey> {
  const { madeAt = now - 1000 * day, lifetime = 0, rsaBits, signingSubkey = false } = options;
  const { privateKey } = await openpgp.generateKey({
    userIDs: [{ name }],
    ...(rsaBits === undefined ? { type: 'ecc' as const } : { type: 'rsa' as const, rsaBits }),
    date: dateOf(madeAt),
    keyExpirationTime: lifetime,
    subkeys: signingSubkey ? [{ sign: true }] : [],
    format: 'object',
    config: { minRSABits: 1024 },
  });
  return keyOf(privateKey);
}

const lenient = { minRSABits: 1024, rejectMessageHashAlgorithms: new Set<openpgp.enums.hash>() };

/** Clear-signs `text` by all keys, at a time of choice. */
export async function clearsign(
  text: string,
  keys: readonly TestKey[],
  atSeconds: number,
  config: openpgp.PartialConfig = {},
): Promise<Uint8Array> {
  const signed = await openpgp.sign({
    message: await openpgp.createCleartextMessage({ text }),
    signingKeys: keys.map((key) => key.privateKey),
    date: dateOf(atSeconds),
    config: { ...lenient, ...config },
  });
  // openpgp writes CRLF; archives do not.
  return encode(signed.replaceAll('\r\n', '\n'));
}

export async function signDetached(
  bytes: Uint8Array,
  key: TestKey,
  atSeconds: number,
): Promise<{ binary: Uint8Array; armoured: Uint8Array }> {
  const signature = (await openpgp.sign({
    message: await openpgp.createMessage({ binary: bytes }),
    signingKeys: key.privateKey,
    date: dateOf(atSeconds),
    detached: true,
    format: 'binary',
  })) as Uint8Array;
  const packet = await openpgp.readSignature({ binarySignature: signature });
  return { binary: signature, armoured: encode(packet.armor()) };
}
