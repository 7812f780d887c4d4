import { definePlugin } from '@ict/plugin-api';
import { createTarballProvider } from './provider.js';

export default definePlugin({ apiVersion: 1, providers: [createTarballProvider()] });
