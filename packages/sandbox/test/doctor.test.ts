import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeSpace, inspectHost } from '../src/index.js';

describe('inspectHost', () => {
  it('finds on this machine what the other tests use, and leaves nothing behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    const checks = await inspectHost({ purpose: 'build', directories: [{ path: directory, wantedBytes: 1 }] });
    expect(checks.filter(({ required, ok }) => required && !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'program unshare', 'program tar', 'overlay', 'free space']),
    );
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });

  it('gives a remedy with each failure, and only then', async () => {
    const directories = [{ path: '/no/such/place', wantedBytes: Number.MAX_SAFE_INTEGER }];
    const checks = [...(await inspectHost({ purpose: 'build', directories })), ...(await inspectHost({ purpose: 'boot' }))];
    expect(checks.find(({ name }) => name === 'free space')).toMatchObject({ ok: false });
    for (const { ok, remedy, detail } of checks) {
      expect(remedy === undefined).toBe(ok);
      expect(detail).not.toBe('');
    }
  });

  it('says what is missing when the path has no programs', async () => {
    const checks = await inspectHost({ purpose: 'boot', path: '/no/such' });
    expect(checks.find(({ name }) => name === 'program qemu-system-x86_64')).toEqual({
      name: 'program qemu-system-x86_64',
      ok: false,
      detail: 'qemu-system-x86_64 is not in /no/such',
      remedy: 'sudo apt-get install --yes qemu-system-x86',
      required: true,
    });
  });

  it('names a directory that refuses files, and tries overlays elsewhere', async () => {
    // The kernel lets nobody, not even root, make files there.
    const directories = [{ path: '/proc', wantedBytes: 0 }];
    const checks = await inspectHost({ purpose: 'build', directories });
    expect(checks.find(({ name }) => name === 'directory')).toMatchObject({ ok: false, required: true });
    expect(checks.find(({ name }) => name === 'overlay')).toMatchObject({ ok: true });
  });

  it('stops on a signal', async () => {
    await expect(inspectHost({ purpose: 'build', signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

it.each(['/no/such/place', '/etc/passwd/below/a/file'])('measures the file system that %s would be on', async (path) => {
  const { availableBytes, totalBytes } = await freeSpace(path);
  expect(availableBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThanOrEqual(totalBytes);
});
