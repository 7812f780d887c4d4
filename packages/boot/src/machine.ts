import type { Architecture } from '@ict/plugin-api';
import type { Firmware } from './firmware.js';

/** Version of a qemu: its first two parts. */
export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
}

export type Accelerator = 'tcg' | 'kvm';

/** Architectures whose machines can be started. */
export type MachineArchitecture = Extract<Architecture, 'x86_64' | 'aarch64'>;

/** A virtual machine of qemu: what it needs of the host, and how it is put together. */
export interface Machine {
  /** qemu's program. */
  readonly program: string;
  /** The packages that have the program, and the firmware. */
  readonly packages: Readonly<Record<'debian' | 'fedora', { readonly qemu: string; readonly firmware: string }>>;
  /** Where distributions put ordinary UEFI firmware, in the order in which the places are tried. */
  readonly firmware: readonly Firmware[];
  /** What descriptors of firmware call it: its architecture, and how the names of its versions begin. */
  readonly described: { readonly architecture: string; readonly family: string };
  /** Whether qemu has legacy firmware for it, SeaBIOS, which it brings along. */
  readonly hasBios: boolean;
  /** Model of the machine, for `-M`. */
  readonly model: string;
  /** What `-cpu` names under TCG. @param version of the qemu; undefined when it is not known. */
  readonly emulatedProcessor: (version: QemuVersion | undefined) => string;
  /** Arguments that give it a drive with a disc. @param file of the disc, quoted as a value of a drive. */
  readonly discDrive: (file: string) => readonly string[];
  /** Its serial console, as `console=` of the kernel names it. */
  readonly console: string;
}

/** The machines by the architecture of images. */
export const MACHINES: Readonly<Record<MachineArchitecture, Machine>> = {
  x86_64: {
    program: 'qemu-system-x86_64',
    packages: {
      debian: { qemu: 'qemu-system-x86', firmware: 'ovmf' },
      fedora: { qemu: 'qemu-system-x86', firmware: 'edk2-ovmf' },
    },
    firmware: [
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
    ],
    described: { architecture: 'x86_64', family: 'pc-q35-' },
    hasBios: true,
    model: 'q35',
    // TCG emulates string instructions an element at a time. A kernel that is told of quick ones of bytes (erms) clears and copies pages by them, and
    // by those of eight bytes otherwise.
    //
    // Before version 8, TCG leaves rubbish in the flags after CMPXCHG16B, of which kernels from 6.12 on crash at random places in their
    // memory allocator; so there it is left out, at the price that systems made for x86-64-v2 do not start.
    emulatedProcessor: (version) => (version !== undefined && version.major < 8 ? 'max,-erms,-cx16' : 'max,-erms'),
    discDrive: (file) => ['-drive', `if=ide,media=cdrom,format=raw,readonly=on,file=${file}`],
    console: 'ttyS0',
  },
  aarch64: {
    program: 'qemu-system-aarch64',
    packages: {
      debian: { qemu: 'qemu-system-arm', firmware: 'qemu-efi-aarch64' },
      fedora: { qemu: 'qemu-system-aarch64', firmware: 'edk2-aarch64' },
    },
    firmware: [
      // Debian, Ubuntu
      { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' },
      // Fedora, CentOS, RHEL
      { code: '/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw', variables: '/usr/share/edk2/aarch64/vars-template-pflash.raw' },
      // Arch
      { code: '/usr/share/edk2/aarch64/QEMU_CODE.fd', variables: '/usr/share/edk2/aarch64/QEMU_VARS.fd' },
      // openSUSE
      { code: '/usr/share/qemu/aavmf-aarch64-code.bin', variables: '/usr/share/qemu/aavmf-aarch64-vars.bin' },
      // qemu's own copy
      { code: '/usr/share/qemu/edk2-aarch64-code.fd', variables: '/usr/share/qemu/edk2-arm-vars.fd' },
      { code: '/usr/local/share/qemu/edk2-aarch64-code.fd', variables: '/usr/local/share/qemu/edk2-arm-vars.fd' },
    ],
    described: { architecture: 'aarch64', family: 'virt-' },
    hasBios: false,
    // With the newest interrupt controller that there is: KVM offers that of the host alone.
    model: 'virt,gic-version=max',
    // Signs pointers by a cheaper algorithm than the one that the architecture suggests, which is slow to emulate.
    emulatedProcessor: () => 'max,pauth-impdef=on',
    // It has no IDE.
    discDrive: (file) => [
      ...['-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=disc'],
      ...['-drive', `if=none,id=disc,media=cdrom,format=raw,readonly=on,file=${file}`],
    ],
    console: 'ttyAMA0',
  },
};
