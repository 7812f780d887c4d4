import { definePlugin } from '@ict/plugin-api';
import { createInitrdFormat } from './initrd-format.js';
import { createIsoFormat } from './iso-format.js';
import { createWslFormat } from './wsl-format.js';

export default definePlugin({ apiVersion: 1, formats: [createInitrdFormat(), createIsoFormat(), createWslFormat()] });
