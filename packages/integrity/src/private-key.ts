import { createPrivateKey, type KeyObject } from 'node:crypto';

/** What the content of a file is that should be a private key. */
export type PrivateKeyReading =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'unreadable' };

/** Reads a private key that has no passphrase: PEM, or DER of PKCS #8 or PKCS #1. Nothing of the content is in what it returns but the key itself. */
export function readPrivateKey(bytes: Uint8Array): PrivateKeyReading {
  const key = Buffer.from(bytes);
  const text = key.toString('latin1');
  if (text.includes('-----BEGIN ')) {
    if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/mu.test(text)) return { kind: 'encrypted' };
    return tryRead(() => createPrivateKey({ key, format: 'pem' }));
  }
  const pkcs8 = tryRead(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  return pkcs8.kind === 'unreadable' ? tryRead(() => createPrivateKey({ key, format: 'der', type: 'pkcs1' })) : pkcs8;
}

function tryRead(read: () => KeyObject): PrivateKeyReading {
  try {
    return { kind: 'key', key: read() };
  } catch (error) {
    // OpenSSL's words say nothing more that a user could act on.
    return { kind: (error as { code?: string }).code === 'ERR_MISSING_PASSPHRASE' ? 'encrypted' : 'unreadable' };
  }
}
