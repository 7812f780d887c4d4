import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RepositorySpec, Snapshot } from '@ict/plugin-api';
import { createLocalVerifier } from '@ict/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetadataSource } from '../src/metadata/metadata.js';
import { FakeContext } from './fake-context.js';

const archive = 'http://archive.test/debian';
const TEXT = `Suite: stable\nDate: Fri, 20 Nov 2026 02:11:10 UTC\nSHA256:\n ${'0'.repeat(64)} 1 main/binary-amd64/Packages.xz\n`;
/** When the archive is read: a day later. */
const NOW = Date.parse('2026-11-21T00:00:00Z') / 1000;

interface Key {
  readonly fingerprint: string;
  readonly keyring: string;
}

const directory = mkdtempSync(join(tmpdir(), 'ict-deb-keys-'));
const home = join(directory, 'gnupg');
const gpg = (time: string, ...args: readonly string[]): Buffer =>
  execFileSync(
    'gpg',
    ['--homedir', home, '--batch', '--quiet', '--faked-system-time', time, '--pinentry-mode', 'loopback', '--passphrase', '', ...args],
    {
      stdio: 'pipe',
    },
  );
const SIGNED_AT = '20261120T020000!';

function makeKey(name: string): Key {
  gpg('20230101T000000!', '--quick-gen-key', name, 'rsa2048', 'sign', 'never');
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg(SIGNED_AT, '--with-colons', '--list-keys', name).toString())![1]!;
  return { fingerprint, keyring: exported(name, fingerprint) };
}

function exported(name: string, fingerprint: string): string {
  const keyring = join(directory, `${name}.asc`);
  writeFileSync(keyring, gpg(SIGNED_AT, '--armor', '--export', fingerprint));
  return keyring;
}

/** The root of a suite, clear-signed by some keys. */
function signedBy(...keys: readonly Key[]): Uint8Array {
  const file = join(directory, 'Release');
  writeFileSync(file, TEXT);
  return gpg(SIGNED_AT, ...keys.flatMap(({ fingerprint }) => ['--local-user', fingerprint]), '--output', '-', '--clearsign', file);
}

async function pin(inRelease: Uint8Array, keys: readonly Pick<Key, 'keyring'>[], options: Partial<RepositorySpec> = {}): Promise<Snapshot> {
  await using ctx = new FakeContext();
  ctx.nowSeconds = NOW;
  Object.assign(ctx, { verify: createLocalVerifier({ clock: ctx.clock }) });
  ctx.served.set(`${archive}/dists/stable/InRelease`, inRelease);
  const repository = {
    id: 'stable',
    archive,
    suite: 'stable',
    components: ['main'],
    keyrings: keys.map(({ keyring }) => keyring),
    ...options,
  };
  return await createMetadataSource().snapshot(repository, 'x86_64', ctx);
}

let old: Key;
let next: Key;
beforeAll(() => {
  mkdirSync(home, { mode: 0o700 });
  [old, next] = [makeKey('old'), makeKey('next')];
});
afterAll(() => {
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
  rmSync(directory, { recursive: true });
});

describe('an archive that changes its key', () => {
  const unknown = { code: 'ICT_DEB_RELEASE_UNKNOWN_KEY' };

  it('is good by either of two keys that both sign, of which one is known', async () => {
    const both = signedBy(old, next);
    expect((await pin(both, [old])).signers).toEqual([old.fingerprint]);
    expect((await pin(both, [next])).signers).toEqual([next.fingerprint]);
    expect([...(await pin(both, [old, next])).signers].sort()).toEqual([old.fingerprint, next.fingerprint].sort());
    expect((await pin(both, [old, next], { fingerprints: [next.fingerprint] })).signers).toEqual([next.fingerprint]);
  });

  it('is good by the new key alone where that is known, and by nothing else', async () => {
    const root = signedBy(next);
    expect((await pin(root, [old, next])).signers).toEqual([next.fingerprint]);
    await expect(pin(root, [old])).rejects.toMatchObject(unknown);
    await expect(pin(root, [old, next], { fingerprints: [old.fingerprint] })).rejects.toMatchObject(unknown);
    await expect(pin(signedBy(old), [next])).rejects.toMatchObject(unknown);
  });

  it('is good by the new key beside an old one that had expired, which is good for nothing', async () => {
    const both = signedBy(old, next);
    gpg('20230102T000000!', '--quick-set-expire', old.fingerprint, '2024-01-01');
    const expired = { keyring: exported('expired', old.fingerprint) };
    await expect(pin(both, [expired])).rejects.toMatchObject({ code: 'ICT_DEB_RELEASE_EXPIRED_KEY' });
    expect((await pin(both, [expired, next])).signers).toEqual([next.fingerprint]);
  });
});
