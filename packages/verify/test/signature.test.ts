import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { afterAll, describe, expect, it } from 'vitest';
import { parseKeyring } from '../src/keyring.js';
import { checkClearsigned, checkSignature } from '../src/signature.js';
import { clearsign, dateOf, day, encode, fixture, keyOf, makeKey, now, signDetached, type TestKey } from './signing.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-signature-'));
afterAll(() => rmSync(directory, { recursive: true }));

const text = 'Origin: Test\nSuite: stable\n- item';
const keyrings = (...keys: readonly (TestKey | Uint8Array)[]) =>
  Promise.all(keys.map((key) => parseKeyring(key instanceof Uint8Array ? key : key.keyring)));

/** When the fixtures were fetched, seconds since 1970: 2026-11-22. */
const fixtureTime = 1_795_305_600;

function withSignatureOf(message: string, name: string): string {
  const block = /-----BEGIN PGP SIGNATURE-----[\s\S]*/;
  return message.replace(block, block.exec(new TextDecoder().decode(fixture(name)))?.[0] ?? '');
}

describe('real archives', () => {
  it.each([
    ['bookworm-security.InRelease', ['AC530D520F2F3269F5E98313A48449044AAD5C5D', '05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0']],
    ['bookworm-updates.InRelease', ['B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8', '04B54C3CDCA79751B16BC6B5225629DF75B188BD']],
  ])('%s is good, and its subkeys name their primary keys', async (name, signers) => {
    const result = await checkClearsigned(fixture(name), await keyrings(fixture('debian-archive-keyring.gpg')), fixtureTime);
    expect(result).toMatchObject({ good: true, signers, failures: [] });
    expect(result.plaintext).toMatch(/^Origin: Debian\n/);
  });

  it.each([
    ['a changed letter', (message: string) => message.replace('Origin: Debian', 'Origin: Debiam')],
    ['an added line', (message: string) => message.replace('\nSuite:', '\nEvil: yes\nSuite:')],
    ['a removed line', (message: string) => message.replace(/\nVersion:.*/, '')],
    [
      'a signature of other text',
      (message: string) => message.replace(/\n[\s\S]*\n-----BEGIN PGP SIGNATURE/, '\n\nhello\n-----BEGIN PGP SIGNATURE'),
    ],
    ['the signature of another message', (message: string) => withSignatureOf(message, 'bookworm-updates.InRelease')],
  ])('%s makes it bad and gives no text', async (_name, change) => {
    const message = new TextDecoder().decode(fixture('bookworm-security.InRelease'));
    const changed = change(message);
    expect(changed).not.toBe(message);
    const result = await checkClearsigned(encode(changed), await keyrings(fixture('debian-archive-keyring.gpg')), fixtureTime);
    expect(result.good).toBe(false);
    expect(result.plaintext).toBeUndefined();
    expect(result.failures.length).toBeGreaterThan(0);
  });

  it('white space at line ends and CRLF are not covered, so they change nothing', async () => {
    const message = new TextDecoder().decode(fixture('bookworm-security.InRelease'));
    const rings = await keyrings(fixture('debian-archive-keyring.gpg'));
    const plain = await checkClearsigned(encode(message), rings, fixtureTime);
    expect(
      await checkClearsigned(
        encode(message.replaceAll('\n', ' \t\r\n').replace('SHA256 \t\r\n \t\r\n', 'SHA256\r\n\r\n')),
        rings,
        fixtureTime,
      ),
    ).toEqual(plain);
  });
});

describe('checkClearsigned', () => {
  it('returns exactly the signed text', async () => {
    const key = await makeKey('signer');
    const result = await checkClearsigned(await clearsign(text, [key], now), await keyrings(key), now);
    expect(result).toEqual({
      good: true,
      signers: [key.fingerprint],
      issuers: [key.fingerprint.slice(-16)],
      failures: [],
      plaintext: text,
    });
  });

  it('wants one good signature; the others are reported', async () => {
    const [known, unknown] = [await makeKey('known'), await makeKey('unknown')];
    const message = await clearsign(text, [unknown, known], now);
    const result = await checkClearsigned(message, await keyrings(known), now);
    expect(result).toMatchObject({ good: true, signers: [known.fingerprint], plaintext: text });
    expect(result.failures).toEqual([`${unknown.fingerprint.slice(-16)}: the keyrings hold no such key`]);
    expect(result.issuers).toHaveLength(2);
    expect(await checkClearsigned(message, await keyrings(await makeKey('third')), now)).toMatchObject({
      good: false,
      signers: [],
      faults: ['unknown-key'],
    });
  });

  it('tells text that nobody signed from a message that is cut or has text around it', async () => {
    const key = await makeKey('signer');
    const message = new TextDecoder().decode(await clearsign(text, [key], now));
    const faultsOf = async (input: string) => (await checkClearsigned(encode(input), await keyrings(key), now)).faults;
    expect(await faultsOf(text)).toEqual(['unsigned']);
    expect(await faultsOf(message.slice(0, message.indexOf('-----BEGIN PGP SIGNATURE')))).toEqual(['other']);
    expect(await faultsOf(`Evil: yes\n${message}`)).toEqual(['other']);
    expect(await faultsOf(message.replace('Suite', 'suite'))).toEqual(['other']);
    expect(await faultsOf(message)).toBeUndefined();
  });

  it('is not good without keyrings, and says so for an unreadable keyring', async () => {
    const key = await makeKey('signer');
    const message = await clearsign(text, [key], now);
    expect((await checkClearsigned(message, [], now)).good).toBe(false);
    const result = await checkClearsigned(message, await keyrings(encode('rubbish')), now);
    expect(result.good).toBe(false);
    expect(result.failures).toContain('a keyring holds no OpenPGP public key');
  });

  it('accepts a signing subkey and names the primary key', async () => {
    const key = await makeKey('signer', { signingSubkey: true });
    const result = await checkClearsigned(await clearsign(text, [key], now), await keyrings(key), now);
    expect(result).toMatchObject({ good: true, signers: [key.fingerprint] });
    expect(result.issuers[0]).not.toBe(key.fingerprint.slice(-16));
  });

  it('refuses an RSA key of 1024 bits', async () => {
    const key = await makeKey('weak', { rsaBits: 1024 });
    const result = await checkClearsigned(await clearsign(text, [key], now), await keyrings(key), now);
    expect(result.good).toBe(false);
    expect(result.failures.join()).toMatch(/too weak/);
  });

  it.each([
    ['sha1', false, /SHA1/],
    ['sha256', true, /^$/],
  ])('a message digest of %s: good is %s', async (name, good, failures) => {
    const result = await checkClearsigned(fixture(`${name}.asc`), await keyrings(fixture('weak-digest-key.asc')), fixtureTime);
    expect(result.good).toBe(good);
    expect(result.failures.join()).toMatch(failures);
  });

  it.each([
    ['from the future', now + day, now, false],
    ['made a second ago', now - 1, now, true],
    ['made before the key', now - 2000 * day, now, false],
  ])('a signature %s: good is %s', async (_name, signedAt, atSeconds, good) => {
    const key = await makeKey('signer', { madeAt: now - 1000 * day });
    const older = await makeKey('signer', { madeAt: now - 3000 * day });
    // The message is signed by a key that existed, then its issuer is looked up in a ring with only the younger key.
    const message = await clearsign(text, [signedAt < now - 1000 * day ? older : key], signedAt);
    expect((await checkClearsigned(message, await keyrings(key), atSeconds)).good).toBe(good);
  });

  it('judges an expired key at the time of the signature', async () => {
    const key = await makeKey('signer', { madeAt: now - 100 * day, lifetime: 50 * day });
    const inTime = await clearsign(text, [key], now - 60 * day);
    expect((await checkClearsigned(inTime, await keyrings(key), now)).good).toBe(true);
    const { privateKey } = await openpgp.reformatKey({
      privateKey: key.privateKey,
      userIDs: [{ name: 'signer' }],
      date: dateOf(now - 90 * day),
      format: 'object',
    });
    const late = await clearsign(text, [keyOf(privateKey)], now - 10 * day);
    const result = await checkClearsigned(late, await keyrings(key), now);
    expect(result.good).toBe(false);
    expect(result.failures.join()).toMatch(/expired/);
    expect(result.faults).toEqual(['expired-key']);
  });

  it.each([
    ['compromised, before the signature', openpgp.enums.reasonForRevocation.keyCompromised, now - 10 * day, false],
    ['compromised, after the signature', openpgp.enums.reasonForRevocation.keyCompromised, now, false],
    ['retired, before the signature', openpgp.enums.reasonForRevocation.keyRetired, now - 10 * day, false],
    ['retired, after the signature', openpgp.enums.reasonForRevocation.keyRetired, now - 2 * day, true],
  ])('a key revoked as %s: good is %s', async (_name, flag, revokedAt, good) => {
    const key = await makeKey('signer');
    const message = await clearsign(text, [key], now - 5 * day);
    const { publicKey } = await openpgp.revokeKey({
      key: key.privateKey,
      reasonForRevocation: { flag, string: '' },
      date: dateOf(revokedAt),
      format: 'object',
    });
    const rings = await keyrings(publicKey.write());
    expect((await checkClearsigned(message, rings, now)).good).toBe(good);
    // A check leaves nothing behind in the keyring.
    expect((await checkClearsigned(message, rings, now - 4 * day)).good).toBe(good);
  });

  it('accepts a key whose self-signature was renewed after the message was signed', async () => {
    const key = await makeKey('signer', { madeAt: now - 100 * day });
    const message = await clearsign(text, [key], now - 50 * day);
    const { publicKey } = await openpgp.reformatKey({
      privateKey: key.privateKey,
      userIDs: [{ name: 'signer' }],
      date: dateOf(now - day),
      format: 'object',
    });
    expect((await checkClearsigned(message, await keyrings(publicKey.write()), now)).good).toBe(true);
  });

  it('tries each key with the issuer id: a stale copy in one keyring does not hide a good one', async () => {
    const key = await makeKey('signer', { madeAt: now - 100 * day, lifetime: 10 * day });
    const { privateKey } = await openpgp.reformatKey({
      privateKey: key.privateKey,
      userIDs: [{ name: 'signer' }],
      date: dateOf(now - 95 * day),
      format: 'object',
    });
    const renewed = keyOf(privateKey);
    const message = await clearsign(text, [renewed], now - 10 * day);
    expect((await checkClearsigned(message, await keyrings(key), now)).good).toBe(false);
    expect((await checkClearsigned(message, await keyrings(key, renewed), now)).good).toBe(true);
  });

  it('is not good when it carries an empty or an absurd number of signatures', async () => {
    const key = await makeKey('signer');
    const { binary } = await signDetached(encode('x'), key, now);
    const rings = await keyrings(key);
    const many = Buffer.concat(Array.from({ length: 65 }, () => binary));
    expect((await checkSignature({ covered: encode('x'), signature: many, keyrings: rings, atSeconds: now })).good).toBe(false);
    expect((await checkSignature({ covered: encode('x'), signature: binary, keyrings: rings, atSeconds: now })).good).toBe(true);
    for (const signature of [encode(''), '', encode('garbage'), key.keyring]) {
      expect((await checkSignature({ covered: encode('x'), signature, keyrings: rings, atSeconds: now })).good).toBe(false);
    }
  });
});

describe('detached signatures', () => {
  it('of any bytes are good for what was signed and by whom, or not good', async () => {
    const key = await makeKey('signer');
    const bytes = encode('what was signed');
    const { binary } = await signDetached(bytes, key, now);
    const rings = await keyrings(key);
    const spliced = fc
      .tuple(fc.nat(binary.length), fc.nat(4), fc.uint8Array({ maxLength: 4 }))
      .map(([at, gone, other]) => Buffer.concat([binary.subarray(0, at), other, binary.subarray(at + gone)]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), spliced), async (signature) => {
        const { good, signers, failures } = await checkSignature({ covered: bytes, signature, keyrings: rings, atSeconds: now });
        // What no signature covers, such as the hint of who made it, may change and do no harm.
        expect(signers).toEqual(good ? [key.fingerprint] : []);
        expect(failures.length > 0).toBe(!good);
        expect((await checkSignature({ covered: encode('another'), signature, keyrings: rings, atSeconds: now })).good).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it.each([['binary'], ['armoured']] as const)('%s', async (form) => {
    const key = await makeKey('signer');
    const bytes = Buffer.from([0, 13, 10, 32, 10, 255]);
    const signature = (await signDetached(bytes, key, now))[form];
    const rings = await keyrings(key);
    expect(await checkSignature({ covered: bytes, signature, keyrings: rings, atSeconds: now })).toMatchObject({
      good: true,
      signers: [key.fingerprint],
    });
    expect((await checkSignature({ covered: bytes.subarray(1), signature, keyrings: rings, atSeconds: now })).good).toBe(false);
    expect((await checkSignature({ covered: Buffer.from([0, 10, 32, 10, 255]), signature, keyrings: rings, atSeconds: now })).good).toBe(
      false,
    );
  });

  it.each([
    ['EdDSA', {}],
    ['RSA', { rsaBits: 2048 }],
  ])('of a part of a file are checked in pieces: %s', async (_kind, options) => {
    const key = await makeKey('signer', options);
    const rings = await keyrings(key);
    const content = randomBytes(1_000_000);
    const file = join(directory, 'content');
    writeFileSync(file, Buffer.concat([Buffer.from('before'), content, Buffer.from('after')]));
    const { binary } = await signDetached(content, key, now);
    const check = (offset: number, sizeBytes = content.length, signature = binary) =>
      checkSignature({ covered: { file, offset, sizeBytes }, signature, keyrings: rings, atSeconds: now });
    expect(await check(6)).toEqual({ good: true, signers: [key.fingerprint], issuers: [key.fingerprint.slice(-16)], failures: [] });
    expect(await check(5)).toMatchObject({ good: false, faults: ['other'] });
    expect((await check(6, content.length - 1)).good).toBe(false);
    expect((await check(6, content.length, (await signDetached(new Uint8Array(0), key, now)).binary)).good).toBe(false);
    expect((await check(0, 0, (await signDetached(new Uint8Array(0), key, now)).binary)).good).toBe(true);
  });

  it('over text in a file are refused: its line ends would have to be changed first', async () => {
    const key = await makeKey('signer');
    const file = join(directory, 'text');
    writeFileSync(file, 'text');
    const signature = await openpgp.sign({
      message: await openpgp.createMessage({ text: 'text' }),
      signingKeys: key.privateKey,
      date: dateOf(now),
      detached: true,
      format: 'binary',
    });
    const check = { signature: signature as Uint8Array, keyrings: await keyrings(key), atSeconds: now };
    expect((await checkSignature({ covered: encode('text'), ...check })).good).toBe(true);
    const result = await checkSignature({ covered: { file, offset: 0, sizeBytes: 4 }, ...check });
    expect(result.good).toBe(false);
    expect(result.failures.join()).toMatch(/over bytes/);
  });

  it('refuses text around the armour and a second block', async () => {
    const key = await makeKey('signer');
    const { armoured } = await signDetached(encode('x'), key, now);
    const block = new TextDecoder().decode(armoured);
    const rings = await keyrings(key);
    for (const signature of [`evil\n${block}`, `${block}evil\n`, block + block]) {
      expect((await checkSignature({ covered: encode('x'), signature: encode(signature), keyrings: rings, atSeconds: now })).good).toBe(
        false,
      );
    }
  });
});
