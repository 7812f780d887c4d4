export * from '@ict/plugin-api';
export type * from './engine-api.js';
export { openEngine } from './engine.js';
