export { bootImage, type BootOptions, type BootResult } from './boot.js';
export { findFirmware, type Firmware } from './firmware.js';
export { imageArchitecture } from './image-architecture.js';
export { imageFileFormat, type ImageFileFormat } from './image-file.js';
export { findInitrdImage, type InitrdImage } from './initrd-image.js';
export { MACHINES, type Accelerator, type Machine, type MachineArchitecture, type QemuVersion } from './machine.js';
export { parseQemuVersion, qemuArguments, type QemuSettings, type Start } from './qemu.js';
export { ConsoleText, type ConsolePiece } from './console.js';
export { bootError } from './errors.js';
