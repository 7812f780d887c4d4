export * from '@ict/plugin-api';
export type * from './answers.js';
export type * from './engine-api.js';
export type { GraphEdge } from './package-graph.js';
export type { RepositoryChoice } from './repository-choice.js';
export { openEngine } from './engine.js';
export { definitionFiles, entryOf, readManifest } from './plugin-manifest.js';
export { storageLimits } from './storage-limits.js';
export { checkBaseTree, checkSnapshot } from './base-tree.js';
