import { definePlugin } from '@ict/plugin-api';
import { createDebProvider } from './provider.js';

export default definePlugin({ apiVersion: 1, providers: [createDebProvider()] });
