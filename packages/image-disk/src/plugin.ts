import { definePlugin } from '@ict/plugin-api';
import { createDiskFormat } from './format.js';

export default definePlugin({ apiVersion: 1, formats: [createDiskFormat()] });
