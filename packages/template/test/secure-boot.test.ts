import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTemplate, type LoadedTemplate } from '../src/documents/load.js';
import { definition, DISK, HEAD, workspace } from './workspace.js';

const DAY = 86_400;
/** Certificates that are made after this was read are valid then. */
const now = Math.floor(Date.now() / 1000) + 3600;

let made: string;
const inMade = (name: string): string => path.join(made, name);
const openssl = (...argv: string[]): void => void execFileSync('openssl', argv, { stdio: 'pipe', cwd: made });
const der = (name: string): void => openssl('x509', '-in', `${name}.crt`, '-outform', 'DER', '-out', `${name}.cer`);

beforeAll(() => {
  made = mkdtempSync(path.join(tmpdir(), 'ict-secure-boot-'));
  const certificate = ['req', '-x509', '-days', '10', '-noenc', '-subj', '/CN=test/'];
  openssl(...certificate, '-newkey', 'rsa:2048', '-keyout', 'db.key', '-out', 'db.crt');
  openssl(...certificate, '-newkey', 'rsa:1024', '-keyout', 'short.key', '-out', 'short.crt');
  openssl(...certificate, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', 'ec.key', '-out', 'ec.crt');
  openssl(...certificate, '-key', 'db.key', '-subj', '/CN=again/', '-out', 'again.crt');
  openssl('pkcs8', '-topk8', '-in', 'db.key', '-passout', 'pass:secret', '-out', 'locked.key');
  openssl('pkey', '-in', 'db.key', '-outform', 'DER', '-out', 'der.key');
  for (const name of ['db', 'short', 'ec', 'again']) der(name);
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

interface Files {
  readonly key?: string;
  readonly crt?: string;
  readonly cer?: string;
}

async function signed(
  { key = inMade('db.key'), crt = inMade('db.crt'), cer = inMade('db.cer') }: Files = {},
  clock = now,
): Promise<LoadedTemplate> {
  return loadText(`secureBootDBKey: ${key}\n    secureBootDBCrt: ${crt}\n    secureBootDBCer: ${cer}`, clock);
}

async function loadText(inside: string, clock = now): Promise<LoadedTemplate> {
  const directory = await workspace({ 'image.yml': `${HEAD}${DISK}systemConfig:\n  immutability:\n    ${inside}\n`, empty: '' });
  return loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition(), clock: () => clock });
}

const reports = ({ refused }: LoadedTemplate) => refused.map(({ code, message, position }) => [code, message, position!.line - LINE]);
const LINE = `${HEAD}${DISK}`.split('\n').length + 2;

describe('keys that sign boot files', () => {
  it('are taken whether or not the image is immutable', async () => {
    const { spec, problems, refused, warnings } = await signed();
    expect([problems, refused, warnings]).toEqual([[], [], []]);
    expect(spec!.system.secureBoot).toEqual({ keyFile: inMade('db.key'), certificate: readFileSync(inMade('db.cer')).toString('base64') });
    expect(spec!.system.immutability).toBeUndefined();
  });

  it.each<[string, Files]>([
    ['a key in DER', { key: 'der.key' }],
    ['a certificate in DER in place of PEM', { crt: 'db.cer' }],
    ['a certificate in PEM in place of DER', { cer: 'db.crt' }],
  ])('may be %s', async (_what, files) => {
    const { spec, refused } = await signed(
      Object.fromEntries(Object.entries(files).map(([which, name]) => [which, inMade(name as string)])),
    );
    expect(refused).toEqual([]);
    expect(spec!.system.secureBoot!.certificate).toBe(readFileSync(inMade('db.cer')).toString('base64'));
  });

  it('are none when none are named', async () => {
    expect((await loadText('enabled: false')).spec!.system.secureBoot).toBeUndefined();
    expect((await loadText('secureBootDBKey: ""')).spec!.system.secureBoot).toBeUndefined();
  });

  it.each([
    ['secureBootDBKey: empty', 'leaves out secureBootDBCrt and secureBootDBCer'],
    ['secureBootDBKey: empty\n    secureBootDBCer: empty', 'leaves out secureBootDBCrt'],
  ])('are named all three: %j', async (given, missing) => {
    const { problems } = await loadText(given);
    expect(problems).toMatchObject([
      { code: 'ICT_TEMPLATE_SECURE_BOOT', message: expect.stringContaining(missing) as string, position: { line: LINE } },
    ]);
  });

  it.each<[string, Files, number, string]>([
    ['another key', { key: 'short.key', crt: 'db.crt' }, 0, 'secureBootDBKey has 1024 bits, and firmware wants at least 2048'],
    [
      'a key of another kind',
      { key: 'ec.key', crt: 'ec.crt', cer: 'ec.cer' },
      0,
      'secureBootDBKey is a key of type ec, and firmware wants RSA',
    ],
    ['a key with a passphrase', { key: 'locked.key' }, 0, 'secureBootDBKey has a passphrase, for which nobody can be asked'],
    ['a certificate as key', { key: 'db.crt' }, 0, 'secureBootDBKey is no private key'],
    ['a key as certificate', { crt: 'db.key' }, 1, 'secureBootDBCrt is no certificate (X.509)'],
    ['a key of another certificate', { crt: 'short.crt', cer: 'short.cer' }, 0, 'secureBootDBKey is not the key of the certificate'],
    ['two certificates', { cer: 'again.cer' }, 2, 'secureBootDBCrt and secureBootDBCer are not the same certificate'],
  ])('are refused, at their line: %s', async (_what, files, line, message) => {
    const loaded = await signed(Object.fromEntries(Object.entries(files).map(([which, name]) => [which, inMade(name as string)])));
    expect(loaded.problems).toEqual([]);
    expect(reports(loaded)).toEqual([['ICT_TEMPLATE_SECURE_BOOT', message, line]]);
    for (const { hint } of loaded.refused) expect(hint).toBeDefined();
  });

  it.each([
    ['expired', 11 * DAY, /^the certificate of secureBootDB\w+ expired on \d{4}-\d\d-\d\d$/],
    ['not valid yet', -2 * DAY, /^the certificate of secureBootDB\w+ is not valid before \d{4}-\d\d-\d\d$/],
  ])('are refused when the certificate is %s', async (_what, after, message) => {
    const { refused } = await signed({}, now + after);
    expect(refused.map(({ code, position }) => [code, position!.line - LINE])).toEqual([
      ['ICT_TEMPLATE_SECURE_BOOT', 1],
      ['ICT_TEMPLATE_SECURE_BOOT', 2],
    ]);
    for (const one of refused) expect(one.message).toMatch(message);
  });

  it('are refused when they are not there, or only stand for others', async () => {
    expect(reports(await signed({ crt: inMade('none.crt') })).map(([code, , line]) => [code, line])).toEqual([
      ['ICT_TEMPLATE_FILE_MISSING', 1],
    ]);
    expect(reports(await signed({ key: '<KEY_PATH>' })).map(([code, , line]) => [code, line])).toEqual([['ICT_TEMPLATE_PLACEHOLDER', 0]]);
  });

  it('are told to be unreadable, when they are', async () => {
    const directory = await workspace({ 'huge.key': 'x'.repeat(100_000) });
    chmodSync(path.join(directory, 'huge.key'), 0o600);
    expect(reports(await signed({ key: path.join(directory, 'huge.key') }))).toEqual([
      ['ICT_TEMPLATE_SECURE_BOOT', 'secureBootDBKey is no private key', 0],
    ]);
  });

  it('leave nothing of the key in what is said or handed on', async () => {
    // The first of them hold the modulus, which the certificate has as well.
    const lines = readFileSync(inMade('db.key'), 'utf8')
      .split('\n')
      .filter((line) => line.length === 64)
      .slice(8);
    const said = JSON.stringify(
      [await signed(), await signed({ crt: inMade('short.crt') }), await signed({ crt: inMade('db.key') })],
      (_key, value: unknown) => (value instanceof Map ? [...value] : value),
    );
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => said.includes(line))).toEqual([]);
  });
});
