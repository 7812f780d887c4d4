import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateKeys, keyId, readPublicKey, readSigningKey } from '../src/keys.js';

/** The first key of RFC 8032, 7.1, as RFC 8410 writes it; what names it is by another program than Node. */
const PUBLIC = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
`;
const PRIVATE = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
`;
const ID = '21fe31dfa154a261';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const x25519 = generateKeyPairSync('x25519');
const pem = (key: (typeof rsa)['publicKey'] | (typeof rsa)['privateKey'], type: 'spki' | 'pkcs8' | 'pkcs1'): string =>
  key.export({ format: 'pem', type: type as 'pkcs1' }).toString();
const encrypted = generateKeyPairSync('ed25519').privateKey.export({
  format: 'pem',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});

describe('keyId', () => {
  it.each([
    ['public', readPublicKey(PUBLIC, 'public.pem')],
    ['private', readSigningKey(PRIVATE, 'private.pem')],
    ['public, with line ends of another system', readPublicKey(PUBLIC.replaceAll('\n', '\r\n'), 'public.pem')],
    ['public, below a comment', readPublicKey(`main's key\n${PUBLIC}`, 'public.pem')],
  ])('of the half that is %s', (_name, key) => {
    expect(keyId(key)).toBe(ID);
  });

  it('is of Ed25519 alone', () => {
    for (const key of [rsa.publicKey, rsa.privateKey, x25519.publicKey])
      expect(() => keyId(key)).toThrow(expect.objectContaining({ code: 'ICT_REMOTE_CACHE_KEY' }) as Error);
  });
});

it('made keys are read, and belong together', () => {
  const { publicPem, privatePem } = generateKeys();
  const id = keyId(readPublicKey(publicPem, 'public.pem'));
  expect(keyId(readSigningKey(privatePem, 'private.pem'))).toBe(id);
  expect(keyId(readPublicKey(generateKeys().publicPem, 'public.pem'))).not.toBe(id);
});

describe.each([
  ['public', readPublicKey],
  ['private', readSigningKey],
] as const)('a file in the place of a %s key', (wanted, read) => {
  it.each([
    ['empty', ''],
    ['white space', ' \n'],
    ['text', 'not a key'],
    ['the bytes of a key', 'MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
    ['the other half', wanted === 'public' ? PRIVATE : PUBLIC],
    ['two keys', wanted === 'public' ? PUBLIC + PUBLIC : PRIVATE + PRIVATE],
    ['both halves', PRIVATE + PUBLIC],
    ['a damaged key', (wanted === 'public' ? PUBLIC : PRIVATE).replace('BQYDK2Vw', 'BQYDK2Zz')],
    ['a cut key', (wanted === 'public' ? PUBLIC : PRIVATE).slice(0, 60)],
    ['an RSA key', wanted === 'public' ? pem(rsa.publicKey, 'spki') : pem(rsa.privateKey, 'pkcs8')],
    ['an RSA key in its own form', wanted === 'public' ? pem(rsa.publicKey, 'pkcs1') : pem(rsa.privateKey, 'pkcs1')],
    ['a key for agreement', wanted === 'public' ? pem(x25519.publicKey, 'spki') : pem(x25519.privateKey, 'pkcs8')],
    ['a key with a passphrase', encrypted.toString()],
    ['a certificate', PUBLIC.replaceAll('PUBLIC KEY', 'CERTIFICATE')],
  ])('%s is refused', (_name, text) => {
    const refusal = ((): unknown => {
      try {
        return read(text, 'keys/main.pem');
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ code: 'ICT_REMOTE_CACHE_KEY', kind: 'invalid', facts: { file: 'keys/main.pem', wanted } });
    const { message } = refusal as Error;
    expect(message).toContain('keys/main.pem');
    expect(JSON.stringify(refusal) + message).not.toContain('nWGxne'); // nothing of what may be secret
    expect(JSON.stringify(refusal) + message).not.toContain('MC4CAQ');
  });
});
