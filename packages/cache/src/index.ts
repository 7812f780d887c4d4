export { openCache, type Cache, type CacheOptions } from './cache.js';
export { type VerificationMode } from './content.js';
export {
  packageKey,
  type CachedPackage,
  type PackageCache,
  type PackageEntry,
  type PackageLookup,
  type SignedBy,
} from './package-cache.js';
export { type NearestStep, type StepRecord, type StepStore } from './step-store.js';
export { type LayerStore, type StagedLayer, type StoredLayer } from './layer-store.js';
export { type LeaseTiming, type LockOptions, type Locks } from './lease.js';
export { removeTree, type RemoveTree } from './reaper.js';
export { type AreaUsage } from './usage.js';
export { sameSignature, signatureOf, statSignature, type StatSignature } from './stat-signature.js';
export { type ProcessOwner } from './process-owner.js';
export { cacheError } from './errors.js';
