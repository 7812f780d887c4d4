export { bootImage, type BootOptions, type BootResult } from './boot.js';
export { findFirmware, FIRMWARE_PLACES, type Firmware } from './firmware.js';
export { imageFileFormat, type ImageFileFormat } from './image-file.js';
export { findInitrdImage, type InitrdImage } from './initrd-image.js';
export { parseQemuVersion, qemuArguments, type Accelerator, type QemuSettings, type QemuVersion, type Start } from './qemu.js';
export { ConsoleText, type ConsolePiece } from './console.js';
export { bootError } from './errors.js';
