export { ArchiveLayout } from './archive-layout.js';
export { layOutCpio } from './cpio-layout.js';
export { archiveImageError } from './errors.js';
export { createInitrdFormat } from './initrd-format.js';
export { createIsoFormat } from './iso-format.js';
export { encodeIso9660, type IsoVolume } from './iso-9660.js';
export type { IsoFile } from './iso-directories.js';
export { layOutTar } from './tar-layout.js';
export { createWslFormat } from './wsl-format.js';
