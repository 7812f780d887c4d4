export { createSpdxExporter } from './spdx.js';
export { createManifestExporter } from './manifest.js';
export { sbomError } from './errors.js';
