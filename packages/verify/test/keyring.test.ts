import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyringCache, parseKeyring } from '../src/keyring.js';
import { encode, fixture, makeKey } from './signing.js';

describe('parseKeyring', () => {
  it('reads a binary keyring with many keys', async () => {
    const { keys, problems } = await parseKeyring(fixture('debian-archive-keyring.gpg'));
    expect(problems).toEqual([]);
    expect(keys.length).toBeGreaterThan(5);
    expect(keys.flatMap((key) => key.keyIds)).toContain('54404762BBB6E853');
  });

  it('reads armoured keys: one block with several keys, several blocks, text between them', async () => {
    const [first, second, third] = await Promise.all([makeKey('one'), makeKey('two'), makeKey('three', { signingSubkey: true })]);
    const openpgp = await import('openpgp');
    const pair = openpgp.armor(openpgp.enums.armor.publicKey, Buffer.concat([first.keyring, second.keyring]));
    const { keys, problems } = await parseKeyring(encode(`our keys\n${pair}\nand\n${third.publicKey.armor()}`));
    expect(problems).toEqual([]);
    expect(keys.map((key) => key.keyIds.length)).toEqual([1, 1, 2]);
    expect(keys.map((key) => key.keyIds[0])).toEqual([first, second, third].map((key) => key.fingerprint.slice(-16)));
  });

  it('names a block that cannot be read and keeps the others', async () => {
    const key = await makeKey('one');
    const broken = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n';
    const { keys, problems } = await parseKeyring(encode(broken + key.publicKey.armor()));
    expect(keys).toHaveLength(1);
    expect(problems).toHaveLength(1);
  });

  it('parses a key once, but one with revocations anew for each check', async () => {
    const key = await makeKey('one');
    const openpgp = await import('openpgp');
    const { publicKey: revoked } = await openpgp.revokeKey({ key: key.privateKey, format: 'object' });
    for (const [bytes, once] of [
      [key.keyring, true],
      [revoked.write(), false],
    ] as const) {
      const [material] = (await parseKeyring(bytes)).keys;
      expect((await material!.parse()) === (await material!.parse())).toBe(once);
    }
  });

  it('keeps no secret material', async () => {
    const key = await makeKey('one');
    const { keys } = await parseKeyring(key.privateKey.write());
    expect(Buffer.from(keys[0]?.binary ?? [])).toEqual(Buffer.from(key.keyring));
  });

  it.each([
    ['nothing', encode('')],
    ['text', encode('hello')],
    ['a keybox', Buffer.from('0000002001010002 4b425866'.replace(' ', ''), 'hex')],
    ['truncated packets', fixture('debian-archive-keyring.gpg').subarray(0, 700)],
  ])('gives no keys and a problem for %s', async (_name, bytes) => {
    const { keys, problems } = await parseKeyring(bytes);
    expect(keys).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it('never rejects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, binary) => {
        if (binary && bytes[0] !== undefined) bytes[0] |= 0x80;
        expect((await parseKeyring(bytes)).keys).toEqual([]);
      }),
    );
  });
});

describe('createKeyringCache', () => {
  it('parses equal bytes once and forgets the oldest', async () => {
    const keyringOf = createKeyringCache(2);
    const first = keyringOf(encode('a'));
    expect(keyringOf(encode('a'))).toBe(first);
    keyringOf(encode('b'));
    keyringOf(encode('a'));
    keyringOf(encode('c'));
    expect(keyringOf(encode('a'))).toBe(first);
    const again = keyringOf(encode('b'));
    expect(await again).toEqual(await first);
    expect(keyringOf(encode('b'))).toBe(again);
  });
});
