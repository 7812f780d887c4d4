import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MACHINES } from '@ict/boot';
import { expect, it } from 'vitest';
import { secureBootCheck } from '../src/secure-boot-check.js';
import { temporaryDirectory } from './fixture.js';

/** Of the package ovmf. */
const at = (name: string): string => join('/usr/share/OVMF', name);

/** A directory with a descriptor of firmware with Secure Boot whose variables these are. */
async function described(variables: string): Promise<string> {
  const directory = await temporaryDirectory();
  const file = (name: string) => ({ filename: at(name), format: 'raw' });
  const descriptor = {
    'interface-types': ['uefi'],
    mapping: { device: 'flash', executable: file('OVMF_CODE_4M.secboot.fd'), 'nvram-template': file(variables) },
    targets: [{ architecture: 'x86_64', machines: ['pc-q35-*'] }],
    features: ['secure-boot', 'requires-smm'],
  };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, '10.json'), JSON.stringify(descriptor));
  return directory;
}

it('names firmware that enforces Secure Boot, and whose keys it has', async () => {
  expect(await secureBootCheck(MACHINES.x86_64, [await described('OVMF_VARS_4M.ms.fd')])).toEqual({
    name: 'secure boot',
    ok: true,
    required: false,
    detail: `${at('OVMF_CODE_4M.secboot.fd')}, with the keys of ${at('OVMF_VARS_4M.ms.fd')}`,
  });
});

it('says what to do where the firmware has no keys', async () => {
  const found = await secureBootCheck(MACHINES.x86_64, [await described('OVMF_VARS_4M.fd')]);
  expect(found).toMatchObject({ ok: false, required: false, remedy: expect.stringContaining('--firmware-vars FILE') as string });
});

it.each([
  ['x86_64', 'ovmf'],
  ['aarch64', 'qemu-efi-aarch64'],
] as const)('names the package where there is none for %s', async (architecture, name) => {
  const found = await secureBootCheck(MACHINES[architecture], [await temporaryDirectory()]);
  expect(found).toMatchObject({ ok: false, required: false, remedy: `sudo apt-get install --yes ${name}` });
});
