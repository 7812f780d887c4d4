import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalVerifier, createVerifier } from '../dist/index.js';
import { digestFile } from '../src/worker.js';
import { encode, fixture, makeKey, now, signDetached } from './signing.js';

let directory: string;
/** An empty file. */
let nothing: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-verify-'));
  nothing = join(directory, 'nothing');
  writeFileSync(nothing, '');
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each([
  ['the built pool', () => createVerifier({ workers: 2, clock: () => now })],
  ["the caller's thread", () => ({ ...createLocalVerifier({ clock: () => now }), close: async () => {} })],
])('%s', (_where, create) => {
  it('digests files and checks signatures', async () => {
    const verifier = create();
    try {
      const key = await makeKey('signer');
      const { binary } = await signDetached(encode('x'), key, now);
      const file = join(directory, 'file');
      const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 'abc');
      writeFileSync(file, bytes);
      const keyring = fixture('debian-archive-keyring.gpg');
      const range = { file, offset: 1, sizeBytes: bytes.length - 2 };
      const inside = bytes.subarray(1, -1);
      const ofRange = (await signDetached(inside, key, now)).binary;
      const [digest, empty, release, early, detached, ofOther, parts, rangeSigned, rangeChanged] = await Promise.all([
        verifier.digestFile(file),
        verifier.digestFile(nothing),
        verifier.clearsigned(fixture('bookworm-updates.InRelease'), [keyring], { atSeconds: 1_795_305_600 }),
        verifier.clearsigned(fixture('bookworm-updates.InRelease'), [keyring]),
        verifier.detached(encode('x'), binary, [keyring, key.keyring]),
        verifier.detached(encode('y'), binary, [keyring, key.keyring]),
        verifier.checkParts({
          digests: [
            { range, algorithm: 'sha512' },
            { range, algorithm: 'md5' },
            { range: { file, offset: 5, sizeBytes: 100 }, algorithm: 'sha256' },
            { range: { file, offset: 5, sizeBytes: 100 }, algorithm: 'sha1' },
            { range: { file, offset: bytes.length - 3, sizeBytes: 100 }, algorithm: 'sha256' },
            { range: { file, offset: bytes.length - 300_000, sizeBytes: 400_000 }, algorithm: 'sha256' },
          ],
          signature: { covered: range, signature: ofRange, keyrings: [keyring, key.keyring] },
        }),
        verifier.detached(range, ofRange, [keyring, key.keyring]),
        verifier.detached({ ...range, offset: 2 }, ofRange, [keyring, key.keyring]),
      ]);
      expect(digest).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.length });
      expect(empty).toEqual({ digest: digestOf(''), sizeBytes: 0 });
      expect(release.good).toBe(true);
      expect(early.good).toBe(false);
      expect(detached).toMatchObject({ good: true, signers: [key.fingerprint] });
      expect(ofOther).toMatchObject({ good: false, faults: ['other'] });
      expect(parts).toMatchObject({
        digests: [
          ...['sha512', 'md5'].map((algorithm) => createHash(algorithm).update(inside).digest('hex')),
          ...['sha256', 'sha1'].map((algorithm) => createHash(algorithm).update(bytes.subarray(5, 105)).digest('hex')),
          ...[3, 300_000].map((last) => createHash('sha256').update(bytes.subarray(-last)).digest('hex')),
        ],
        signature: { good: true, signers: [key.fingerprint] },
      });
      expect(rangeSigned).toMatchObject({ good: true, signers: [key.fingerprint] });
      expect(rangeChanged.good).toBe(false);
      const absent = { ...range, file: join(directory, 'absent') };
      await expect(verifier.checkParts({ digests: [{ range: absent, algorithm: 'sha256' }] })).rejects.toMatchObject({
        code: 'ICT_VERIFY_READ',
      });
      await expect(verifier.digestFile(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ICT_VERIFY_READ', kind: 'host' });
      expect(await verifier.digestFile(nothing, 'sha512')).toEqual({ digest: digestOf('', 'sha512'), sizeBytes: 0 });
      await expect(verifier.digestFile(directory)).rejects.toMatchObject({ code: 'ICT_VERIFY_READ' });
    } finally {
      await verifier.close();
    }
  });
});

describe('the built pool', () => {
  it('stops with the signal and after close', async () => {
    const controller = new AbortController();
    const verifier = createVerifier({ workers: 1, signal: controller.signal });
    const waiting = Promise.allSettled(Array.from({ length: 20 }, () => verifier.digestFile('/dev/zero/none')));
    const running = verifier.digestFile(process.execPath);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect((await waiting).every(({ status }) => status === 'rejected')).toBe(true);
    await expect(verifier.digestFile(nothing)).rejects.toBe(reason);
    await verifier.close();

    const closed = createVerifier();
    await closed.close();
    await expect(closed.digestFile(nothing)).rejects.toMatchObject({ code: 'ICT_VERIFY_WORKER' });
  });
});

describe("the caller's thread", () => {
  it('stops with the signal', async () => {
    const controller = new AbortController();
    const verifier = createLocalVerifier({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(verifier.digestFile(nothing)).rejects.toBe(reason);
  });

  it('keeps no file open', async () => {
    const verifier = createLocalVerifier();
    const range = { file: process.execPath, offset: 0, sizeBytes: 2 ** 20 };
    const before = readdirSync('/proc/self/fd').length;
    await verifier.checkParts({ digests: [{ range, algorithm: 'sha256' }] });
    await verifier.checkParts({ digests: [{ range: { ...range, file: '/absent' }, algorithm: 'sha256' }] }).catch(() => {});
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

describe('the worker as a function', () => {
  it('answers with records', async () => {
    expect(await digestFile({ file: nothing, algorithm: 'sha256' })).toEqual({
      ok: true,
      value: { digest: digestOf(''), sizeBytes: 0 },
    });
    expect(await digestFile({ file: '/absent', algorithm: 'sha512' })).toMatchObject({
      ok: false,
      error: { code: 'ICT_VERIFY_READ', facts: { reason: 'ENOENT' } },
    });
  });
});
