import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { remoteCacheError } from './errors.js';

/** Both halves of a key, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them. */
export interface KeyPair {
  readonly publicPem: string;
  readonly privatePem: string;
}

type Half = 'public' | 'private';

const LABELS = { public: 'PUBLIC KEY', private: 'PRIVATE KEY' } as const;

const HINTS = {
  public: 'Give the public half: `ict cache keygen FILE` writes it to FILE.pub, `openssl pkey -in private.pem -pubout` prints it.',
  private: 'Make one with `ict cache keygen FILE`, or `openssl genpkey -algorithm ed25519`.',
} as const;

/**
 * Reads the key by which somebody's records are believed.
 *
 * @param name of the file, for the error.
 * @throws `ICT_REMOTE_CACHE_KEY` for all but one public Ed25519 key in PEM. A private key is refused too: it has no business there.
 */
export function readPublicKey(pem: string, name: string): KeyObject {
  return readKey(pem, name, 'public');
}

/**
 * Reads the key by which records are signed.
 *
 * @param name of the file, for the error.
 * @throws `ICT_REMOTE_CACHE_KEY` for all but one private Ed25519 key in PEM, without a passphrase.
 */
export function readSigningKey(pem: string, name: string): KeyObject {
  return readKey(pem, name, 'private');
}

/**
 * Name of a key in addresses and signatures: the first 16 hexadecimal digits of the SHA-256 of the 32 bytes of its public half.
 *
 * @param key public or private.
 * @throws `ICT_REMOTE_CACHE_KEY` for a key that is not of Ed25519.
 */
export function keyId(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'ed25519')
    throw noKey('The key of a remote cache', 'is not of Ed25519', key.type === 'public' ? 'public' : 'private');
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return createHash('sha256').update(Buffer.from(x, 'base64url')).digest('hex').slice(0, 16);
}

/** Makes a key. The private half is not encrypted: who writes it to a file sees to it that nobody else reads that. */
export function generateKeys(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

function readKey(pem: string, name: string, half: Half): KeyObject {
  const fault = faultOf(pem, half);
  if (fault !== undefined) throw noKey(name, fault, half);
  let key: KeyObject;
  try {
    key = half === 'public' ? createPublicKey(pem) : createPrivateKey(pem);
  } catch (error) {
    throw noKey(name, 'has a key that cannot be read', half, error);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw noKey(name, `has a key of ${key.asymmetricKeyType ?? 'an unknown kind'}, not of Ed25519`, half);
  return key;
}

/** What the labels of a PEM file say against it. Node itself takes a private key where a public one is wanted, and the first of several. */
function faultOf(pem: string, half: Half): string | undefined {
  const [label, ...more] = Array.from(pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\s*$/gm), (match) => match[1]);
  if (label === undefined) return pem.trim() === '' ? 'is empty' : 'has no key in PEM';
  if (more.length > 0) return 'has more than one key';
  if (label === LABELS[half]) return undefined;
  if (label === 'ENCRYPTED PRIVATE KEY') return 'has a private key with a passphrase, for which nobody can be asked';
  if (label.endsWith(LABELS.private))
    return half === 'public' ? 'has a private key in the place of a public one' : `has a ${label}, not an Ed25519 key`;
  return half === 'private' && label === LABELS.public ? 'has a public key in the place of a private one' : `has a ${label}, not a key`;
}

/** Quotes nothing of the file, which may hold a secret. */
function noKey(name: string, fault: string, half: Half, cause?: unknown): Error {
  return remoteCacheError('ICT_REMOTE_CACHE_KEY', {
    message: `${name} ${fault}`,
    hint: HINTS[half],
    facts: { file: name, wanted: half },
    cause,
  });
}
