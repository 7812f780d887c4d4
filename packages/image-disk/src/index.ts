export { createDiskFormat } from './format.js';
export { diskError } from './errors.js';
