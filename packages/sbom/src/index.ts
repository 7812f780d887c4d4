export { createSpdxExporter } from './spdx.js';
export { createManifestExporter } from './manifest.js';
export { formatSupplier } from './supplier.js';
export { sbomError } from './errors.js';
