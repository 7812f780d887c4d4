import { definePlugin } from '@ict/plugin-api';
import { createManifestExporter } from './manifest.js';
import { createSpdxExporter } from './spdx.js';

export default definePlugin({ apiVersion: 1, exporters: [createSpdxExporter(), createManifestExporter()] });
