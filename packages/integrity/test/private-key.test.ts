import { generateKeyPairSync, type KeyExportOptions } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPrivateKey } from '../src/private-key.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const bytesOf = (options: object): Buffer => Buffer.from(privateKey.export(options as KeyExportOptions<'pem'>));
const secret = { cipher: 'aes-256-cbc', passphrase: 'secret' };

describe('a private key', () => {
  it.each([
    ['PEM, PKCS #8', bytesOf({ format: 'pem', type: 'pkcs8' })],
    ['PEM, PKCS #1', bytesOf({ format: 'pem', type: 'pkcs1' })],
    ['PEM, after other text', Buffer.concat([Buffer.from('Bag Attributes\n'), bytesOf({ format: 'pem', type: 'pkcs8' })])],
    ['DER, PKCS #8', bytesOf({ format: 'der', type: 'pkcs8' })],
    ['DER, PKCS #1', bytesOf({ format: 'der', type: 'pkcs1' })],
  ])('is read: %s', (_what, bytes) => {
    const reading = readPrivateKey(bytes);
    expect(reading.kind === 'key' && reading.key.equals(privateKey)).toBe(true);
  });

  it.each([
    ['PEM, PKCS #8', bytesOf({ format: 'pem', type: 'pkcs8', ...secret })],
    ['PEM, PKCS #1', bytesOf({ format: 'pem', type: 'pkcs1', ...secret })],
    ['DER, PKCS #8', bytesOf({ format: 'der', type: 'pkcs8', ...secret })],
  ])('with a passphrase is told from others: %s', (_what, bytes) => {
    expect(readPrivateKey(bytes)).toEqual({ kind: 'encrypted' });
  });
});

it.each([
  ['nothing', Buffer.alloc(0)],
  ['a text', Buffer.from('no key')],
  ['a public key', Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }))],
  ['half of a key', bytesOf({ format: 'pem', type: 'pkcs8' }).subarray(0, 800)],
])('%s is no private key', (_what, bytes) => {
  expect(readPrivateKey(bytes)).toEqual({ kind: 'unreadable' });
});

it('rubbish is no private key', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readPrivateKey(bytes).kind === 'unreadable'));
});
