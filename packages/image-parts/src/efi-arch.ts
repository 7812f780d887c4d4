import type { Architecture } from '@ict/plugin-api';

/** What UEFI and GRUB call an architecture. */
export interface EfiArch {
  /** As in `systemd-bootx64.efi`. */
  readonly suffix: string;
  /** The file that firmware starts from a removable disk. */
  readonly removable: string;
  /** GRUB's platform, which also names the directory of its modules. */
  readonly grub: string;
}

const ARCHES: Readonly<Partial<Record<Architecture, EfiArch>>> = {
  x86_64: { suffix: 'x64', removable: '/EFI/BOOT/BOOTX64.EFI', grub: 'x86_64-efi' },
  aarch64: { suffix: 'aa64', removable: '/EFI/BOOT/BOOTAA64.EFI', grub: 'arm64-efi' },
};

/** UEFI's names for an architecture, or undefined when ICT makes no UEFI images for it. */
export function efiArch(arch: Architecture): EfiArch | undefined {
  return ARCHES[arch];
}
