import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filePieces } from '../src/file-digest.js';
import { parseKeyring, type Keyring } from '../src/keyring.js';
import { isGoodRsaSignature } from '../src/rsa-signature.js';
import { checkSignature } from '../src/signature.js';
import { signedDigest } from '../src/signed-digest.js';
import { dateOf, day, encode, makeKey, now, type TestKey } from './signing.js';

const content = encode('a header of a package');
const directory = mkdtempSync(join(tmpdir(), 'ict-rsa-'));
const file = join(directory, 'content');
writeFileSync(file, content);
afterAll(() => rmSync(directory, { recursive: true }));
const range = { file, offset: 0, sizeBytes: content.length };

let rsa: TestKey;
let subkey: TestKey;
let expired: TestKey;
let ecc: TestKey;
let ring: Keyring;
beforeAll(async () => {
  rsa = await makeKey('rsa', { rsaBits: 2048 });
  subkey = await makeKey('subkey', { rsaBits: 2048, signingSubkey: true });
  expired = await makeKey('expired', { rsaBits: 2048, lifetime: 10 * day });
  ecc = await makeKey('ecc');
  ring = await parseKeyring(Buffer.concat([rsa, subkey, expired, ecc].map((key) => key.keyring)));
});

interface Signing {
  readonly atSeconds?: number;
  readonly critical?: boolean;
}

async function sign(key: TestKey, { atSeconds = now - day, critical }: Signing = {}): Promise<Uint8Array> {
  return (await openpgp.sign({
    message: await openpgp.createMessage({ binary: content }),
    signingKeys: key.privateKey,
    date: dateOf(Math.min(atSeconds, now - day)),
    detached: true,
    format: 'binary',
    ...(critical === undefined
      ? {}
      : { signatureNotations: [{ name: 'a@example.org', value: encode('b'), humanReadable: true, critical }] }),
  })) as Uint8Array;
}

/** The packet of a signature by a primary key. */
async function signOver(key: TestKey, hash: openpgp.enums.hash): Promise<openpgp.SignaturePacket> {
  const [literal] = (await openpgp.createMessage({ binary: content })).packets;
  const packet = new openpgp.SignaturePacket();
  const { keyPacket } = key.privateKey;
  Object.assign(packet, { signatureType: 0, hashAlgorithm: hash, publicKeyAlgorithm: keyPacket.algorithm });
  const signing = packet as unknown as { sign(...parameters: readonly unknown[]): Promise<void> };
  await signing.sign(keyPacket, literal, dateOf(now - day), true, openpgp.config);
  return packet;
}

const config = { ...openpgp.config, minRSABits: 2047 };

async function isPlain(signature: Uint8Array | openpgp.SignaturePacket, key: TestKey, atSeconds = now): Promise<boolean> {
  const list = signature instanceof Uint8Array ? (await openpgp.readSignature({ binarySignature: signature })).packets : [signature];
  const packet = list[0]!;
  return isGoodRsaSignature(packet, signedDigest(packet, filePieces(range)), key.publicKey, { atSeconds, config });
}

/** What counts of a verdict on content in a file, where OpenSSL may answer, and on the same content in memory, where openpgp does. */
async function verdicts(signature: Uint8Array, atSeconds = now, legacyCrypto = false) {
  const check = { signature, keyrings: [ring], atSeconds, legacyCrypto };
  const results = [await checkSignature({ ...check, covered: range }), await checkSignature({ ...check, covered: content })];
  return results.map(({ good, signers, issuers }) => ({ good, signers, issuers }));
}

describe('isGoodRsaSignature', () => {
  it.each([
    ['SHA-256', openpgp.enums.hash.sha256, true],
    ['SHA-384', openpgp.enums.hash.sha384, true],
    ['SHA-512', openpgp.enums.hash.sha512, true],
    ['SHA-224', openpgp.enums.hash.sha224, false],
  ])('%s: knows a good signature over a strong digest', async (_name, hash, known) => {
    expect(await isPlain(await signOver(rsa, hash), rsa)).toBe(known);
  });

  it('knows that of a subkey', async () => {
    expect(await isPlain(await sign(subkey), subkey)).toBe(true);
  });

  it('leaves a notation alone unless it is critical', async () => {
    expect(await isPlain(await sign(rsa, { critical: false }), rsa)).toBe(true);
    expect(await isPlain(await sign(rsa, { critical: true }), rsa)).toBe(false);
  });

  it.each([
    ['by another algorithm', () => sign(ecc), () => ecc, now],
    ['by another key', () => sign(subkey), () => rsa, now],
    ['from the future', () => sign(rsa), () => rsa, now - 2 * day],
  ])('says nothing of a signature %s', async (_name, signing, key, atSeconds) => {
    expect(await isPlain(await signing(), key(), atSeconds)).toBe(false);
  });

  it('says nothing of a signature by a key that may not make it', async () => {
    const signature = await sign(rsa);
    const [packet] = (await openpgp.readSignature({ binarySignature: signature })).packets;
    const digest = signedDigest(packet!, filePieces(range));
    const good = { atSeconds: now, config };
    expect(await isGoodRsaSignature(packet!, digest, rsa.publicKey, good)).toBe(true);
    expect(await isGoodRsaSignature(packet!, digest, rsa.publicKey, { ...good, config: { ...config, minRSABits: 3000 } })).toBe(false);
    packet!.created = dateOf(now - 2000 * day);
    expect(await isGoodRsaSignature(packet!, digest, rsa.publicKey, good)).toBe(false);
  });
});

const modulus = (): bigint => numberOf((rsa.publicKey.keyPacket.publicParams as { readonly n: Uint8Array }).n);
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** A signature of which the padded digest is of choice: what only the holder of the key can make. */
async function signPadded(shape: (digest: Buffer) => Buffer): Promise<Uint8Array> {
  const packet = await signOver(rsa, openpgp.enums.hash.sha256);
  const { d } = (rsa.privateKey.keyPacket as unknown as { readonly privateParams: { readonly d: Uint8Array } }).privateParams;
  const digest = Buffer.from(signedDigest(packet, filePieces(range)));
  let [result, base] = [1n, numberOf(shape(digest)) % modulus()];
  for (let rest = numberOf(d); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus();
    base = (base * base) % modulus();
  }
  const number = Buffer.from(result.toString(16).padStart(512, '0'), 'hex');
  (packet as unknown as { params: unknown }).params = { s: number };
  const list = new openpgp.PacketList<openpgp.SignaturePacket>();
  list.push(packet);
  return new openpgp.Signature(list).write() as Uint8Array;
}

const INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');
const WITHOUT_NULL = Buffer.from('302f300b0609608648016503040201' + '0420', 'hex');
const padded = (tail: Buffer, type = 1, filler = 0xff, size = 253 - tail.length): Buffer =>
  Buffer.concat([Buffer.from([0, type]), Buffer.alloc(size, filler), Buffer.from([0]), tail]);

describe('padding', () => {
  it.each([
    ['as it must be', (digest: Buffer) => padded(Buffer.concat([INFO, digest])), true],
    ['an algorithm without parameters', (digest: Buffer) => padded(Buffer.concat([WITHOUT_NULL, digest])), false],
    [
      'short, with something after the digest',
      (digest: Buffer) => Buffer.concat([padded(Buffer.concat([INFO, digest]), 1, 0xff, 8), Buffer.alloc(194, 7)]),
      false,
    ],
    ['of the other type', (digest: Buffer) => padded(Buffer.concat([INFO, digest]), 2), false],
    ['filled with something else', (digest: Buffer) => padded(Buffer.concat([INFO, digest]), 1, 0xfe), false],
    ['another algorithm', (digest: Buffer) => padded(Buffer.concat([Buffer.from(INFO).fill(2, 14, 15), digest])), false],
    ['of nothing', () => padded(Buffer.alloc(0)), false],
  ])('%s: one verdict in memory and of a file', async (_name, shape, good) => {
    const [ofFile, inMemory] = await verdicts(await signPadded(shape));
    expect(inMemory!.good).toBe(good);
    expect(ofFile).toEqual(inMemory);
  });
});

describe('one verdict in memory and of a file', () => {
  it('of good signatures at any time, keys that expire included', async () => {
    const cases = await Promise.all(
      [rsa, subkey, expired, ecc].flatMap((key) => [now - 995 * day, now - day].map((atSeconds) => trySign(key, atSeconds))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cases.filter((one) => one !== undefined)),
        fc.integer({ min: -2000, max: 100 }),
        fc.boolean(),
        async (signature, days, legacy) => {
          const [ofFile, inMemory] = await verdicts(signature, now + days * day, legacy);
          expect(ofFile).toEqual(inMemory);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of signatures with changed bytes', async () => {
    const signatures = [await sign(rsa), await sign(subkey, { critical: false }), await sign(rsa, { critical: true })];
    const change = fc.tuple(fc.nat({ max: 400 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...signatures), fc.array(change, { minLength: 1, maxLength: 3 }), async (signature, changes) => {
        const changed = Uint8Array.from(signature);
        for (const [place, bits] of changes) changed[place % changed.length]! ^= bits;
        const [ofFile, inMemory] = await verdicts(changed);
        expect(ofFile).toEqual(inMemory);
      }),
      { numRuns: 300 },
    );
  });

  it('of signatures that are cut or longer than they say', async () => {
    const signature = await sign(rsa);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: signature.length }), fc.uint8Array({ maxLength: 4 }), async (length, tail) => {
        const [ofFile, inMemory] = await verdicts(Buffer.concat([signature.subarray(0, length), tail]));
        expect(ofFile).toEqual(inMemory);
      }),
      { numRuns: 100 },
    );
  });
});

/** @returns undefined when openpgp does not let the key sign at that time. */
async function trySign(key: TestKey, atSeconds: number): Promise<Uint8Array | undefined> {
  try {
    return await sign(key, { atSeconds });
  } catch {
    return undefined;
  }
}
