import { access, constants } from 'node:fs/promises';
import { bootError } from './errors.js';

/** UEFI firmware for qemu: code, and the template of its variable store, which each run copies. Absolute paths. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/** Where distributions put OVMF for x86_64 without Secure Boot, in the order in which they are tried. */
export const FIRMWARE_PLACES: readonly Firmware[] = [
  // Debian, Ubuntu
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  // Fedora, CentOS, RHEL
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  // Arch
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
  { code: '/usr/share/edk2-ovmf/x64/OVMF_CODE.fd', variables: '/usr/share/edk2-ovmf/x64/OVMF_VARS.fd' },
  // openSUSE
  { code: '/usr/share/qemu/ovmf-x86_64-4m-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-4m-vars.bin' },
  { code: '/usr/share/qemu/ovmf-x86_64-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-vars.bin' },
  // qemu's own copy
  { code: '/usr/share/qemu/edk2-x86_64-code.fd', variables: '/usr/share/qemu/edk2-i386-vars.fd' },
  { code: '/usr/local/share/qemu/edk2-x86_64-code.fd', variables: '/usr/local/share/qemu/edk2-i386-vars.fd' },
];

/**
 * The first firmware of which both files can be read.
 *
 * @throws `ICT_BOOT_NO_FIRMWARE` when there is none.
 */
export async function findFirmware(places: readonly Firmware[] = FIRMWARE_PLACES): Promise<Firmware> {
  for (const place of places) if ((await readable(place.code)) && (await readable(place.variables))) return place;
  throw bootError('ICT_BOOT_NO_FIRMWARE', {
    message: 'This machine has no UEFI firmware for qemu',
    hint: 'Install it: "apt-get install ovmf" on Debian and Ubuntu, "dnf install edk2-ovmf" on Fedora.',
    facts: { searched: places.map(({ code }) => code) },
  });
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
