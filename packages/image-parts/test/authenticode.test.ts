import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { efiProgram, execute, openssl, secureBootKeys, type SecureBootKeys } from '@ict/fixtures';
import { signProgram, type ProgramSigner } from '../src/authenticode.js';
import { readPortableExecutable } from '../src/portable-executable.js';

const refuse = (reason: string): Error => new Error(reason);

let directory: string;
let keys: SecureBootKeys;
let others: SecureBootKeys;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'authenticode-'));
  keys = secureBootKeys(directory);
  others = secureBootKeys(directory, 'other', ['-newkey', 'rsa:3072', '-days', '1', '-set_serial', '0xfedcba9876543210fedcba98']);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const signerOf = ({ key, certificate }: SecureBootKeys): ProgramSigner => {
  return { key: createPrivateKey(readFileSync(key)), certificate: new X509Certificate(readFileSync(certificate)).raw };
};

async function signed(program: Buffer, name: string, ...by: readonly SecureBootKeys[]): Promise<string> {
  const file = join(directory, name);
  writeFileSync(file, program);
  for (const one of by) await signProgram(file, signerOf(one), refuse);
  return file;
}

const accepts = async (file: string, { certificate }: SecureBootKeys): Promise<boolean> =>
  (await execute('sbverify', ['--cert', certificate, file])).exitCode === 0;

describe('a signed program', () => {
  it.each([
    ['one with nothing behind its sections', {}],
    ['one with symbols behind them, of an odd length', { trailing: Buffer.alloc(77, 'symbols') }],
    ['a large one', { trailing: Buffer.alloc(3 * 1024 * 1024 + 1, 'large') }],
  ])('is accepted with the certificate of its key alone: %s', async (_what, options) => {
    const file = await signed(efiProgram(options), 'program.efi', keys);
    expect(await accepts(file, keys)).toBe(true);
    expect(await accepts(file, others)).toBe(false);
  });

  it('is refused when one byte of it was changed, wherever that is', async () => {
    const file = await signed(efiProgram({ trailing: Buffer.alloc(77, 'symbols') }), 'damaged.efi', keys);
    const good = readFileSync(file);
    const { sections, certificates } = readPortableExecutable(good, good.length, refuse);
    const first = sections[0]!.content.offset;
    // The name of a section, its code, what lies behind sections, the digest in the signature.
    for (const at of [0x40 + 264 + 1, first, first + 511, first + 1024 + 5, certificates!.offset + 200]) {
      const damaged = Buffer.from(good);
      damaged[at]! ^= 1;
      writeFileSync(file, damaged);
      expect([at, await accepts(file, keys)]).toEqual([at, false]);
    }
    writeFileSync(file, good);
    expect(await accepts(file, keys)).toBe(true);
  });

  it('is the same for the same key, without any time, and another for another key', async () => {
    const [one, again, other] = [
      await signed(efiProgram(), 'one.efi', keys),
      await signed(efiProgram(), 'again.efi', keys),
      await signed(efiProgram(), 'other.efi', others),
    ].map((file) => readFileSync(file));
    expect(one!.equals(again!)).toBe(true);
    expect(one!.equals(other!)).toBe(false);
    // Of type UTCTime there are only the two times of the certificate.
    const { raw } = new X509Certificate(readFileSync(keys.certificate));
    const signature = one!.subarray(readPortableExecutable(one!, one!.length, refuse).certificates!.offset);
    expect(signature.includes(raw)).toBe(true);
    expect(signature.includes(Buffer.from('2a864886f70d010905', 'hex'))).toBe(false);
  });

  it('says what openssl reads: the digest of the program, and who signed', async () => {
    const file = await signed(efiProgram(), 'read.efi', others);
    const program = readFileSync(file);
    const { certificates, checksumOffset, certificatesOffset } = readPortableExecutable(program, program.length, refuse);
    const { offset } = certificates!;
    const [from, length] = [offset + 8, program.readUInt32LE(offset) - 8];
    writeFileSync(`${file}.p7`, program.subarray(from, from + length));
    const digest = createHash('sha256');
    digest.update(program.subarray(0, checksumOffset));
    digest.update(program.subarray(checksumOffset + 4, certificatesOffset));
    digest.update(program.subarray(certificatesOffset + 8, offset));
    const { stdout } = await execute('openssl', ['pkcs7', '-inform', 'DER', '-in', `${file}.p7`, '-print', '-noout']);
    expect(stdout).toContain('CN=other');
    expect(stdout).toContain(`serial: ${0xfedcba9876543210fedcba98n}`);
    const { stdout: parsed } = await execute('openssl', ['asn1parse', '-inform', 'DER', '-in', `${file}.p7`]);
    expect(parsed).toContain(`[HEX DUMP]:${digest.digest('hex').toUpperCase()}`);
  });

  it('keeps signatures that it has', async () => {
    const file = await signed(efiProgram(), 'both.efi', keys, others);
    expect([await accepts(file, keys), await accepts(file, others)]).toEqual([true, true]);
    const { stdout } = await execute('sbverify', ['--list', file]);
    expect(stdout).toContain('CN=db');
    expect(stdout).toContain('CN=other');
  });

  it('keeps a signature of sbsign, too', async () => {
    const file = await signed(efiProgram(), 'sbsign.efi');
    await execute('sbsign', ['--key', keys.key, '--cert', keys.certificate, '--output', file, file]);
    await signProgram(file, signerOf(others), refuse);
    expect([await accepts(file, keys), await accepts(file, others)]).toEqual([true, true]);
  });
});

it('a certificate of version 1 names who signed, too', async () => {
  const [request, certificate] = [join(directory, 'old.csr'), join(directory, 'old.crt')];
  openssl('req', '-new', '-key', keys.key, '-subj', '/CN=old/', '-out', request);
  openssl('x509', '-req', '-in', request, '-signkey', keys.key, '-days', '1', '-out', certificate);
  expect(await accepts(await signed(efiProgram(), 'old.efi', { ...keys, certificate }), { ...keys, certificate })).toBe(true);
});

it('bytes between sections, which firmware would not look at, are refused', async () => {
  const program = efiProgram();
  // The second section gives up its first half.
  const entry = 0x40 + 264 + 40;
  program.writeUInt32LE(program.readUInt32LE(entry + 20) + 256, entry + 20);
  program.writeUInt32LE(256, entry + 16);
  await expect(signed(program, 'gap.efi', keys)).rejects.toThrow('bytes between its sections');
  await expect(signed(Buffer.from('text'), 'text.efi', keys)).rejects.toThrow('ends within its headers');
});
