import type { Firmware } from './firmware.js';
import type { ImageFileFormat } from './image-file.js';

export type Accelerator = 'tcg' | 'kvm';

/**
 * The processor that the guest sees. Under TCG it is one of level x86-64-v3, which every current distribution runs on, without the
 * features that TCG lacks and would warn of. It is not `max`: with that, qemu 7.2 lets kernels from 6.12 on crash at random.
 */
const CPU: Readonly<Record<Accelerator, string>> = {
  tcg: 'Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid',
  kvm: 'host',
};

export interface QemuSettings {
  readonly accel: Accelerator;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly image: string;
  readonly format: ImageFileFormat;
  readonly firmware: Firmware;
  readonly extraArgs: readonly string[];
}

/**
 * Arguments of `qemu-system-x86_64`: a q35 machine that starts `image` by UEFI, with its console on standard output and no network. The
 * image is not changed: what the guest writes is dropped. Of arguments given twice qemu takes the last, so `extraArgs` can replace some.
 *
 * Acceleration is always named. `kvm:tcg` would not fall back where /dev/kvm opens but runs no usual kernel.
 */
export function qemuArguments(settings: QemuSettings): readonly string[] {
  const { accel, memoryMiB, cpus, image, format, firmware, extraArgs } = settings;
  return [
    ...['-M', 'q35', '-accel', accel === 'tcg' ? 'tcg,thread=multi' : 'kvm', '-cpu', CPU[accel]],
    ...['-m', `${memoryMiB}`, '-smp', `${cpus}`, '-nodefaults', '-display', 'none', '-vga', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ...['-no-reboot', '-nic', 'none', '-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${option(firmware.code)}`],
    ...['-drive', `if=pflash,format=raw,file=${option(firmware.variables)}`],
    ...['-drive', `if=virtio,format=${format},snapshot=on,file=${option(image)}`],
    ...extraArgs,
  ];
}

/** A value inside qemu's `a=b,c=d` options: commas are doubled. */
function option(value: string): string {
  return value.replaceAll(',', ',,');
}
