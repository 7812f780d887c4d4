export * from '@ict/plugin-api';
export type * from './questions/answers.js';
export type * from './engine-api.js';
export type { GraphEdge } from './questions/package-graph.js';
export type { RepositoryChoice } from './repositories/repository-choice.js';
export { openEngine } from './engine.js';
export { definitionFiles, entryOf, readManifest } from './plugins/plugin-manifest.js';
export { storageLimits } from './storage-limits.js';
export { checkBaseTree, checkSnapshot, layerFault, type TreeVerdict } from './trees/base-tree-check.js';
