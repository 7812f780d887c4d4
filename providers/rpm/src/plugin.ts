import { definePlugin } from '@ict/plugin-api';
import { createRpmProvider } from './provider.js';

export default definePlugin({ apiVersion: 1, providers: [createRpmProvider()] });
