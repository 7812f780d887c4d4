import type { Firmware } from './firmware.js';
import type { ImageFileFormat } from './image-file.js';
import type { InitrdImage } from './initrd-image.js';
import { MACHINES, type Accelerator, type Machine, type MachineArchitecture, type QemuVersion } from './machine.js';

/** Reads what `qemu-system-* --version` prints. @returns undefined when there is no version in it. */
export function parseQemuVersion(text: string): QemuVersion | undefined {
  const [, major, minor] = /\bversion (\d+)\.(\d+)/u.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** What the machine starts: a disk or a disc by UEFI, or, where that is left out, by its BIOS; or a kernel by qemu itself. */
export type Start =
  | { readonly kind: 'disk'; readonly image: string; readonly format: Exclude<ImageFileFormat, 'iso'>; readonly firmware?: Firmware }
  | { readonly kind: 'disc'; readonly image: string; readonly firmware?: Firmware }
  | ({ readonly kind: 'kernel' } & InitrdImage);

export interface QemuSettings {
  readonly architecture: MachineArchitecture;
  readonly accel: Accelerator;
  /** Of the qemu that gets the arguments; undefined when it is not known. */
  readonly version?: QemuVersion;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly start: Start;
  readonly extraArgs: readonly string[];
}

/**
 * Arguments of qemu: a machine of the architecture with its console on standard output and no network. A disk is not changed: what the guest
 * writes is dropped. Of arguments given twice qemu takes the last, so `extraArgs` can replace some.
 *
 * Acceleration is always named. `kvm:tcg` would not fall back where /dev/kvm opens but runs no usual kernel.
 */
export function qemuArguments(settings: QemuSettings): readonly string[] {
  const { architecture, accel, version, memoryMiB, cpus, start, extraArgs } = settings;
  const { model, emulatedProcessor } = MACHINES[architecture];
  const processor = accel === 'kvm' ? 'host' : emulatedProcessor(version);
  return [
    ...['-M', `${model}${modelProperties(start)}`, '-accel', accel === 'tcg' ? 'tcg,thread=multi' : 'kvm', '-cpu', processor],
    ...['-m', `${memoryMiB}`, '-smp', `${cpus}`, '-nodefaults', '-display', 'none', '-vga', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ...['-no-reboot', '-nic', 'none', '-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...startArguments(start, MACHINES[architecture]),
    ...extraArgs,
  ];
}

function startArguments(start: Start, { discDrive }: Machine): readonly string[] {
  if (start.kind === 'kernel') return ['-kernel', start.kernel, '-initrd', start.initrd, '-append', start.commandLine];
  const { image, firmware } = start;
  return [
    ...(firmware === undefined ? [] : flashArguments(firmware)),
    ...(start.kind === 'disc'
      ? discDrive(option(image))
      : ['-drive', `if=virtio,format=${start.format},snapshot=on,file=${option(image)}`]),
  ];
}

function flashArguments({ code, variables, requiresSmm }: Firmware): readonly string[] {
  return [
    // Only code in system management mode writes to the flash.
    ...(requiresSmm === true ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${option(code)}`],
    ...['-drive', `if=pflash,format=raw,file=${option(variables)}`],
  ];
}

/** What the model of the machine is told of its firmware: a BIOS that there is no screen, upon which it writes to the serial console, and GRUB by it. */
function modelProperties(start: Start): string {
  if (start.kind === 'kernel') return '';
  if (start.firmware === undefined) return ',graphics=off';
  return start.firmware.requiresSmm === true ? ',smm=on' : '';
}

/** A value inside qemu's `a=b,c=d` options: commas are doubled. */
function option(value: string): string {
  return value.replaceAll(',', ',,');
}
