export { ArchiveLayout } from './archive-layout.js';
export { layOutCpio } from './cpio-layout.js';
export { archiveImageError } from './errors.js';
export { createInitrdFormat } from './initrd-format.js';
export { layOutTar } from './tar-layout.js';
export { createWslFormat } from './wsl-format.js';
