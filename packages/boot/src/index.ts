export { bootImage, type BootOptions, type BootResult } from './boot.js';
export { findFirmware, type Firmware, type FirmwareNeeds } from './firmware.js';
export { compressionMagic, ISO_MAGIC, ISO_MAGIC_OFFSET, virtualDiskMagic } from './image-file.js';
export type { FirmwareKind } from './image-firmware.js';
export { isInitrdName } from './initrd-image.js';
export { readImageManifest, type ImageManifest } from './image-manifest.js';
export { MACHINES, type Accelerator, type Machine, type MachineArchitecture, type QemuVersion } from './machine.js';
export { bootError } from './errors.js';
