import { createPrivateKey } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SecureBootSpec } from '@ict/plugin-api';
import { cut, efiProgram, execute, hostBuild, secureBootKeys, type HostBuild, type SecureBootKeys, type TreeContent } from '@ict/fixtures';
import { assembleKey } from '../src/assemble-disk.js';
import { createDiskFormat } from '../src/format.js';
import { MIB, bootable, imageInput, imageSpec } from './support/specs.js';

const format = createDiskFormat();
const LOADER = 'usr/lib/systemd/boot/efi/systemd-bootx64.efi';
const files: Readonly<Record<string, TreeContent>> = {
  ...bootable,
  'etc/os-release': 'ID=debian\n',
  [LOADER]: efiProgram({ trailing: Buffer.from('loader') }),
  'usr/lib/systemd/boot/efi/linuxx64.efi.stub': efiProgram(),
};
const PROGRAMS = [
  '/EFI/BOOT/BOOTX64.EFI',
  '/EFI/systemd/systemd-bootx64.efi',
  '/EFI/Linux/debian-6.12.9-amd64.efi',
  '/EFI/Linux/debian-6.12.10-amd64.efi',
];

let keys: SecureBootKeys;
let others: SecureBootKeys;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'boot-signing-'));
  keys = secureBootKeys(directory);
  others = secureBootKeys(directory, 'other');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const specOf = ({ key, certificateDer }: SecureBootKeys): SecureBootSpec => {
  return { keyFile: key, certificate: readFileSync(certificateDer).toString('base64') };
};

/** Builds a disk. @returns its file, and its EFI system partition as a file of its own. */
async function make(secureBoot: SecureBootSpec, content = files): Promise<{ readonly disk: string; readonly esp: string }> {
  const [artifact] = await format.build(imageInput(build.tree(content), { unifiedImage: true, secureBoot }), build.steps, build.ctx);
  const disk = build.blobPath(artifact!.blob);
  return { disk, esp: cut(disk, MIB, 40 * MIB, join(directory, 'esp')) };
}

async function take(esp: string, path: string): Promise<string> {
  const file = join(directory, 'taken');
  expect((await execute('mcopy', ['-n', '-o', '-i', esp, `::${path}`, file])).exitCode).toBe(0);
  return file;
}

const accepts = async (file: string, { certificate }: SecureBootKeys): Promise<boolean> =>
  (await execute('sbverify', ['--cert', certificate, file])).exitCode === 0;

describe('a signed disk', () => {
  it('has loader and unified kernel images that are accepted with the certificate which lies beside them, and no other', async () => {
    const { esp } = await make(specOf(keys));
    expect((await execute('fsck.fat', ['-n', esp])).exitCode).toBe(0);
    for (const path of PROGRAMS) {
      const file = await take(esp, path);
      expect([path, await accepts(file, keys), await accepts(file, others)]).toEqual([path, true, false]);
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(file, bytes);
      expect([path, await accepts(file, keys)]).toEqual([path, false]);
    }
    expect(readFileSync(await take(esp, '/loader/keys/db.cer')).equals(readFileSync(keys.certificateDer))).toBe(true);
  });

  it('is the same for the same key, wherever that lies, and another for another key', async () => {
    const first = await make(specOf(keys));
    const elsewhere = join(directory, 'elsewhere.key');
    copyFileSync(keys.key, elsewhere);
    const [one, other] = [hostBuild(), hostBuild()];
    try {
      const digestOf = async (on: HostBuild, secureBoot: SecureBootSpec): Promise<string> =>
        (await format.build(imageInput(on.tree(files), { unifiedImage: true, secureBoot }), on.steps, on.ctx))[0]!.blob.digest;
      expect(first.disk).toContain(await digestOf(one, { ...specOf(keys), keyFile: elsewhere }));
      expect(first.disk).not.toContain(await digestOf(other, specOf(others)));
    } finally {
      one.remove();
      other.remove();
    }
  });

  it('has a key that tells certificates apart, and nothing of the private key or its place', () => {
    const keyOf = (secureBoot?: SecureBootSpec): string =>
      JSON.stringify(assembleKey(imageInput(build.tree(files), { unifiedImage: true, ...(secureBoot ? { secureBoot } : {}) }), build.ctx));
    const [own, moved, other, none] = [specOf(keys), { ...specOf(keys), keyFile: '/elsewhere' }, specOf(others), undefined].map(keyOf);
    expect(moved).toBe(own);
    expect(new Set([own, other, none]).size).toBe(3);
    expect(own).not.toContain(directory);
  });

  it('leaves nothing on the disk that only the private key has', async () => {
    const { disk } = await make(specOf(keys));
    const { d } = privateParts(keys);
    expect(readFileSync(disk).includes(d)).toBe(false);
    expect(readdirSync(build.ctx.temporary)).toEqual([]);
  });

  it('is not made with a key that is no longer that of the certificate, or is gone', async () => {
    const file = join(directory, 'changed.key');
    copyFileSync(others.key, file);
    const secureBoot = { ...specOf(keys), keyFile: file };
    await expect(make(secureBoot)).rejects.toMatchObject({ code: 'ICT_DISK_SIGNING_KEY', facts: { file } });
    writeFileSync(file, 'no key');
    await expect(make(secureBoot)).rejects.toMatchObject({ code: 'ICT_DISK_SIGNING_KEY' });
    rmSync(file);
    await expect(make(secureBoot)).rejects.toMatchObject({ code: 'ICT_DISK_SIGNING_KEY' });
    expect(readdirSync(build.ctx.temporary)).toEqual([]);
  });

  it('is not made of a loader that is no program: the error names it', async () => {
    await expect(make(specOf(keys), { ...files, [LOADER]: 'MZ loader' })).rejects.toMatchObject({
      code: 'ICT_IMAGE_BOOT_PROGRAM',
      facts: { path: '/EFI/BOOT/BOOTX64.EFI' },
    });
  });
});

it('nothing is signed, and no key is read, of a template that names none', async () => {
  const [artifact] = await format.build(imageInput(build.tree(files), { unifiedImage: true }), build.steps, build.ctx);
  const esp = cut(build.blobPath(artifact!.blob), MIB, 40 * MIB, join(directory, 'esp'));
  expect(readFileSync(await take(esp, PROGRAMS[0]!)).equals(files[LOADER] as Buffer)).toBe(true);
  expect((await execute('mdir', ['-i', esp, '::/loader/keys'])).exitCode).not.toBe(0);
  expect(imageSpec().system.secureBoot).toBeUndefined();
});

/** Numbers of an RSA key that its certificate does not have. */
function privateParts({ key }: SecureBootKeys): { readonly d: Buffer } {
  const { d = '' } = createPrivateKey(readFileSync(key)).export({ format: 'jwk' });
  expect(d.length).toBeGreaterThan(300);
  return { d: Buffer.from(d, 'base64url') };
}
