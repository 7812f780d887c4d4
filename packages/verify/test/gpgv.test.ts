import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeyring } from '../src/keyring.js';
import { checkClearsigned } from '../src/signature.js';
import { clearsign, encode, fixture, makeKey } from './signing.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-gpgv-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function gpgv(message: Uint8Array, keyring: Uint8Array): { readonly good: boolean; readonly text: string | undefined } {
  const paths = { message: join(directory, 'message'), keyring: join(directory, 'keyring.gpg'), text: join(directory, 'text') };
  writeFileSync(paths.message, message);
  writeFileSync(paths.keyring, keyring);
  rmSync(paths.text, { force: true });
  const { status } = spawnSync('gpgv', ['--keyring', paths.keyring, '--output', paths.text, paths.message]);
  return { good: status === 0, text: status === 0 ? readFileSync(paths.text, 'utf8') : undefined };
}

describe('gpgv agrees', () => {
  it('is installed', () => {
    expect(execFileSync('gpgv', ['--version']).toString()).toMatch(/^gpgv/);
  });

  it.each(['bookworm-security.InRelease', 'bookworm-updates.InRelease'])('on %s', async (name) => {
    const keyring = fixture('debian-archive-keyring.gpg');
    const oracle = gpgv(fixture(name), keyring);
    const ours = await checkClearsigned(fixture(name), [await parseKeyring(keyring)], Math.max(Date.now() / 1000, 1_795_305_600));
    // gpgv's output ends in a newline, which no signature covers.
    expect({ good: ours.good, text: `${ours.plaintext ?? ''}\n` }).toEqual(oracle);
  });

  it.each([
    ['dash-escaped lines', '- one\n-----BEGIN\n--'],
    ['blanks at line ends', 'a  \nb\t\n\nc'],
    ['one empty line', '\n'],
    ['other scripts', 'Stra\u00dfe\n\u6771\u4eac'],
  ])('on %s', async (_name, text) => {
    const seconds = Math.floor(Date.now() / 1000);
    const key = await makeKey('signer', { madeAt: seconds - 1000 });
    const message = await clearsign(text, [key], seconds - 10);
    const oracle = gpgv(message, key.keyring);
    const ours = await checkClearsigned(message, [await parseKeyring(key.keyring)], seconds);
    expect(oracle.good).toBe(true);
    expect({ good: ours.good, text: `${ours.plaintext ?? ''}\n` }).toEqual(oracle);
    const changed = encode(new TextDecoder().decode(message).replace('\n\n', '\n\nx'));
    expect(gpgv(changed, key.keyring).good).toBe(false);
    expect((await checkClearsigned(changed, [await parseKeyring(key.keyring)], seconds)).good).toBe(false);
  });
});
