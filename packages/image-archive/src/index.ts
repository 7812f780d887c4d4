export { archiveImageError } from './errors.js';
export { createInitrdFormat } from './initrd-format.js';
export { createIsoFormat } from './iso-format.js';
export { createWslFormat } from './wsl-format.js';
